import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Link as LinkIcon, Trash2, UserPlus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { changeRole, invite, leave, linkFor, members, removeMember, session } from "~/api/queries.ts";
import type { Member, Role } from "~/api/types.ts";
import { Button, IconButton } from "~/parts/button.tsx";
import { Confirm } from "~/parts/confirm.tsx";
import { PageHeader } from "~/parts/shell/header.tsx";
import { Chooser } from "~/parts/shell/select.tsx";
import { Failure, Skeletons, Snippet } from "~/parts/states.tsx";
import { Tag } from "~/parts/tag.tsx";

const route = getRouteApi("/project/$projectId/members");

const ROLES: { id: Role; label: string }[] = [
  { id: "OWNER", label: "Owner" },
  { id: "ADMIN", label: "Admin" },
  { id: "MEMBER", label: "Member" },
  { id: "ANNOTATOR", label: "Annotator" },
  { id: "VIEWER", label: "Viewer" },
  { id: "NONE", label: "None" },
];

interface Made {
  email: string;
  link: string | null;
}

function useMemberChanges(projectId: string) {
  const queries = useQueryClient();
  const onSuccess = () => queries.invalidateQueries({ queryKey: ["members", projectId] });
  const [made, setMade] = useState<Made | null>(null);
  const add = useMutation({
    mutationFn: ({ email, role }: { email: string; role: Role }) => invite(projectId, email, role),
    onSuccess: ({ member, link }) => {
      setMade({ email: member.email, link });
      return onSuccess();
    },
  });
  const renew = useMutation({
    mutationFn: ({ id }: Member) => linkFor(projectId, id),
    onSuccess: ({ link }, { email }) => setMade({ email, link }),
  });
  const change = useMutation({
    mutationFn: ({ id, role }: { id: string; role: Role }) => changeRole(projectId, id, role),
    onSuccess,
  });
  const remove = useMutation({
    mutationFn: ({ id, isMe }: Member) => (isMe ? leave(projectId) : removeMember(projectId, id)),
    onSuccess: (_, { email, isMe }) => {
      if (isMe) return location.assign("/");
      setMade((shown) => (shown?.email === email ? null : shown));
      return onSuccess();
    },
  });
  return { add, renew, change, remove, made };
}

export default function MembersPage() {
  const { projectId } = route.useParams();
  const { data, error, refetch } = useQuery(members(projectId));
  const { add, renew, change, remove, made } = useMemberChanges(projectId);
  const organization = useOrganization(projectId);
  const [doomed, setDoomed] = useState<Member | null>(null);
  const close = () => {
    setDoomed(null);
    remove.reset();
  };
  const failed = add.error ?? renew.error ?? change.error;
  return (
    <>
      <PageHeader title="Members" />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="max-w-3xl p-4">
          <p className="text-ink-2">
            Who belongs to {organization ?? "the organisation"} and what they may do in its projects. People
            set their own passwords.
          </p>
          {data?.mayManage && <Invite isBusy={add.isPending} invite={add.mutate} />}
          {failed && <Failure error={failed} />}
          {made?.link && (
            <>
              <Snippet label={`Link for ${made.email}, shown this once`} code={made.link} />
              <p className="mt-1 text-12 text-ink-3">
                Hand it over yourself: no mail is sent. It works once, within 7 days.
              </p>
            </>
          )}
          {made && !made.link && (
            <p role="status" className="mt-3 text-ink-2">
              {made.email} had joined before and is a member again.
            </p>
          )}
          {error && <Failure error={error} retry={refetch} />}
          {!data && !error && <Skeletons rows={3} />}
          {data && (
            <ul aria-label="Members" className="mt-4 rounded border border-line">
              {data.data.map((each) => (
                <MemberRow
                  key={each.id}
                  of={each}
                  mayManage={data.mayManage}
                  renew={() => renew.mutate(each)}
                  give={(role) => change.mutate({ id: each.id, role })}
                  remove={() => setDoomed(each)}
                />
              ))}
            </ul>
          )}
        </div>
      </div>
      {doomed && (
        <Confirm
          title={doomed.isMe ? "Leave the organisation?" : "Remove this person?"}
          verb={doomed.isMe ? "Leave" : "Remove"}
          isBusy={remove.isPending}
          act={() => remove.mutate(doomed, { onSuccess: close })}
          close={close}
        >
          <p className="break-words">{doomed.email}</p>
          <p className="mt-2 text-ink-2">
            Access to every project of the organisation ends at once. What they wrote stays.
          </p>
          {remove.error && <Failure error={remove.error} />}
        </Confirm>
      )}
    </>
  );
}

function useOrganization(projectId: string): string | undefined {
  const { data } = useQuery(session);
  return data?.projects.find(({ id }) => id === projectId)?.organization.name;
}

interface InviteProps {
  isBusy: boolean;
  invite: (draft: { email: string; role: Role }) => void;
}

function Invite({ isBusy, invite: send }: InviteProps) {
  const [role, setRole] = useState<Role>("MEMBER");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    send({ email: String(new FormData(event.currentTarget).get("email")), role });
    event.currentTarget.reset();
  };
  return (
    <form onSubmit={submit} className="mt-3 flex flex-wrap items-end gap-2">
      <label className="min-w-40 flex-1 text-12 text-ink-2">
        Email
        <input
          name="email"
          type="email"
          required
          maxLength={320}
          autoComplete="off"
          placeholder="Whom to invite"
          className="mt-1 h-7 w-full rounded border border-line-strong bg-canvas px-2 text-13 text-ink placeholder:text-ink-3"
        />
      </label>
      <Chooser
        label="Role of the new member"
        choices={ROLES}
        value={role}
        onChange={(next) => setRole(next as Role)}
      />
      <Button look="primary" type="submit" disabled={isBusy}>
        <UserPlus size={14} aria-hidden="true" /> Invite
      </Button>
    </form>
  );
}

interface RowProps {
  of: Member;
  mayManage: boolean;
  renew: () => void;
  give: (role: Role) => void;
  remove: () => void;
}

function MemberRow({ of: member, mayManage, renew, give, remove }: RowProps) {
  const verb = member.isMe ? "Leave" : `Remove ${member.email}`;
  return (
    <li className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-1.5 last:border-b-0">
      <div className="min-w-40 flex-1">
        <p className="flex flex-wrap items-center gap-2">
          <span className="break-all">{member.email}</span>
          {member.isMe && <Tag>You</Tag>}
          {!member.joined && <Tag tone="amber">Invited</Tag>}
        </p>
        {member.name && <p className="text-12 break-words text-ink-3">{member.name}</p>}
      </div>
      {mayManage && !member.joined && (
        <IconButton label={`New link for ${member.email}`} onClick={renew}>
          <LinkIcon size={14} />
        </IconButton>
      )}
      {mayManage ? (
        <Chooser
          label={`Role of ${member.email}`}
          choices={ROLES}
          value={member.role}
          onChange={(role) => role !== member.role && give(role as Role)}
        />
      ) : (
        <span className="text-ink-2">{ROLES.find(({ id }) => id === member.role)?.label}</span>
      )}
      {(mayManage || member.isMe) && (
        <IconButton label={verb} onClick={remove}>
          <Trash2 size={14} />
        </IconButton>
      )}
    </li>
  );
}
