"""What can be done with accounts: by anybody with a key or a session, and by those who run an organisation."""

from sightline.server.accounts.actions.accounts import Accounts
from sightline.server.accounts.actions.audit import Audit
from sightline.server.accounts.actions.organizations import Organizations
from sightline.server.accounts.actions.people import People

__all__ = ["Accounts", "Audit", "Organizations", "People"]
