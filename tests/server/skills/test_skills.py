"""Skills through their actions: versions of a name, labels that move, files kept as long as a version has them."""

import pytest

from server.conftest import ELSEWHERE, HERE, Storage
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.skills.actions import Skills, sha256_base64
from sightline.server.skills.records import NewFile, Skill, SkillDraft, SkillQuery


@pytest.fixture
def skills(storage: Storage) -> Skills:
    return Skills(storage.database, storage.hub)


def manifest(name: str = "greet", description: str = "Says hello.") -> NewFile:
    return NewFile(path="SKILL.md", content=f"---\nname: {name}\ndescription: {description}\n---\nSay hello.\n")


async def make(skills: Skills, *files: NewFile, name: str = "greet") -> Skill:
    return await skills.create(HERE, SkillDraft(files=[manifest(name), *files]))


async def test_versions_count_up_and_keep_the_tags(skills: Skills):
    first = await make(skills)
    await skills.set_tags(HERE, "greet", ["polite", "polite"])
    second = await make(skills)
    assert (first.version, second.version, second.labels, tuple(second.tags)) == (1, 2, ("latest",), ("polite",))
    assert (await skills.get(HERE, "greet", version=1)).labels == ()


async def test_a_label_leaves_the_version_that_had_it(skills: Skills):
    await make(skills)
    await make(skills)
    await skills.set_labels(HERE, "greet", 1, ["production", "mild"])
    await skills.set_labels(HERE, "greet", 2, ["production"])
    assert (await skills.get(HERE, "greet")).version == 2
    assert (await skills.get(HERE, "greet", version=1)).labels == ("mild",)
    with pytest.raises(InvalidRequest, match="always points at the newest"):
        await skills.set_labels(HERE, "greet", 1, ["latest"])


async def test_a_file_stays_while_any_version_has_it(skills: Skills):
    digest = sha256_base64("print()\n")
    await make(skills, NewFile(path="run.py", content="print()\n"))
    await make(skills, NewFile(path="same.py", sha256_base64=digest))
    await skills.delete(HERE, "greet", 1)
    assert await skills.contents(HERE, [digest]) == {digest: "print()\n"}
    await skills.delete(HERE, "greet", 2)
    with pytest.raises(NotFound, match="SHA-256"):
        await skills.contents(HERE, [digest])


async def test_a_hash_of_another_project_is_not_known_here(skills: Skills):
    await skills.create(ELSEWHERE, SkillDraft(files=[manifest(), NewFile(path="run.py", content="print()\n")]))
    with pytest.raises(InvalidRequest, match="no file of this project"):
        await make(skills, NewFile(path="run.py", sha256_base64=sha256_base64("print()\n")))
    assert (await skills.page(HERE, SkillQuery()))[1] == 0


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([NewFile(path="run.py", content="print()")], "a skill has a SKILL.md"),
        ([manifest(), NewFile(path="a.md", content="one"), NewFile(path="A.md", content="two")], "the same path"),
    ],
)
async def test_a_folder_that_is_no_skill_is_refused(skills: Skills, files: list[NewFile], said: str):
    with pytest.raises(InvalidRequest, match=said):
        await skills.create(HERE, SkillDraft(files=files))


async def test_skills_are_found_by_what_they_are_called_and_are_for(skills: Skills):
    await make(skills)
    await make(skills, name="count")
    found, total = await skills.page(HERE, SkillQuery(search="GREE"))
    assert ([each.latest.name for each in found], total) == (["greet"], 1)
    assert (await skills.page(HERE, SkillQuery(search="hello", limit=1)))[1] == 2
