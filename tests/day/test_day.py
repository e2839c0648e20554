"""What the Desk and Attention say of a small day, over the real store and replica."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import keyring
import keyring.errors
import msgspec
import pytest

from desktop.day.attention_service import AttentionService
from desktop.day.day import Day
from desktop.day.desk_service import DeskService
from desktop.day.loading import loading_words
from desktop.day.status import clock
from desktop.day.strip import as_of, clock_note, strip_state
from desktop.first_run import leave
from desktop.screens.desk.viewmodel import DeskViewModel
from desktop.store.cache import Delta
from desktop.store.desk_store import Store, Wish
from desktop.store.profile import Profile
from desktop.store.worker import InlineWorker
from desktop.sync.status import Link, Status
from desktop.widgets.records import CardAction, ConnectionState, PersonCard, StatusKind
from server_sync.protocol.commands import Desk as OtherDesk
from server_sync.protocol.commands import Result
from server_sync.protocol.ids import Id, derived_id, make_ref, scan_code
from server_sync.protocol.records import (
    Attendance,
    EventSlot,
    Group,
    Participant,
    ReservationMember,
    RoomDay,
    SlotReservation,
)
from server_sync.rules import attend
from server_sync.rules.room_day import room_day_id
from server_sync.rules.state import FACTS_OF_COMMAND
from tests.store.identity import identity
from tests.sync.small_day import MORNING, ROOT, SmallDay, small_day

BERLIN = timedelta(hours=1)


@dataclass
class Desk:
    """A desk without window or network."""

    store: Store
    day: Day
    desk: DeskService
    attention: AttentionService
    small: SmallDay
    now: datetime

    def card(self, person: Id, claim: Id | None = None) -> PersonCard:
        """The card of somebody."""
        card = self.desk.card(UUID(person), None if claim is None else UUID(claim))
        assert card is not None
        return card

    def claim(self, number: int) -> UUID:
        """The id of a claim."""
        return UUID(self.small.claims[number])

    async def answer(self, cursor: str, *results: Result) -> None:
        """A pull with verdicts alone."""
        assert self.store.cursor is not None
        delta = Delta(cursor=cursor, from_cursor=self.store.cursor, results=list(results))
        assert await self.store.apply(delta, self.now) is None


def extra_rows(day: SmallDay) -> None:
    """A late room, a choir of three in the last slot, and a claim of tomorrow."""
    slot = next(row for row in day.rows if isinstance(row, EventSlot) and row.id == day.slots[-1])
    tomorrow = msgspec.structs.replace(
        slot, id=derived_id(ROOT, "tomorrow"), slot_number=99, start_time=slot.start_time + timedelta(days=1),
        end_time=slot.end_time + timedelta(days=1),
    )  # fmt: skip
    choir = Group(id=derived_id(ROOT, "choir"), programme_id=ROOT, name="Choir of Oak Hill", school="Oak Hill")
    claim = SlotReservation(
        id=derived_id(ROOT, "choir claim"), programme_id=ROOT, slot_id=slot.id, event_id=slot.event_id,
        location_id=slot.location_id, time_block_id=slot.time_block_id, claim="reserved", spots=3,
        reserved_at=MORNING, placement_version=1, version=1, group_id=choir.id, ref=make_ref("RSV", 500),
    )  # fmt: skip
    singers = [
        Participant(id=derived_id(ROOT, name), programme_id=ROOT, display_name=name, group_id=choir.id)
        for name in ("Ada Lind", "Ben Osei", "Chloë Martin")
    ]
    members = [
        ReservationMember(
            id=derived_id(claim.id, person.id), programme_id=ROOT, reservation_id=claim.id, participant_id=person.id,
            slot_id=slot.id, start_time=slot.start_time, end_time=slot.end_time, live=True, waived=False,
        )
        for person in singers
    ]  # fmt: skip
    late = RoomDay(
        id=room_day_id(day.rooms[0], MORNING.date()), programme_id=ROOT, location_id=day.rooms[0], day=MORNING.date(),
        delay_minutes=8, version=1,
    )  # fmt: skip
    alone = Participant(
        id=derived_id(ROOT, "alone"), programme_id=ROOT, display_name="Xavier Quist", ref=make_ref("PPL", 500)
    )
    day.rows += [choir, *singers, claim, *members, late, tomorrow, alone]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Ten to nine on the day, in Berlin ten to ten."""
    small = small_day(rooms=2, slots=6, people=14, claims=10)
    extra_rows(small)
    state = small.state()
    rows = [row for rows in state.rows.values() for row in rows.values()]
    now = MORNING - timedelta(minutes=10)
    store = await Store.open(tmp_path / "outbox.db", tmp_path / "cache.db", InlineWorker(), lambda: made.now)
    assert isinstance(store, Store)
    await store.enrol(identity())
    await store.begin_filling(anew=False)
    puts = [(type(row).TABLE, msgspec.Raw(msgspec.json.encode(row))) for row in rows]
    await store.fill(Delta(cursor="c1", puts=puts), None, len(rows))
    day = Day(identity(), store.server_now, lambda: store.fresh_at)
    service = DeskService(day, store, lambda: "")
    made = Desk(store, day, service, AttentionService(day, store, service.header), small, now)
    store.subscribe(day.take)
    assert await store.reveal(now) is None
    yield made
    await store.close()


async def test_header_counts_people_of_today(desk: Desk) -> None:
    """Ten soloists and three singers; each arrival counts at once, and stops counting when it is undone."""
    header = desk.desk.header()
    assert (header.title, header.subtitle, header.clock) == ("Main desk", "Saturday 14 March", "09:50")
    assert (header.here, header.total) == (0, 13)
    done = await desk.desk.check_in(desk.claim(0))
    assert desk.desk.header().here == 1
    assert done.command_id is not None
    await desk.desk.undo(done.command_id)
    assert (desk.desk.header().here, desk.desk.header().total) == (0, 13)


async def test_search_shows_the_nearest_claim(desk: Desk) -> None:
    """By name, by school; with where to go."""
    name = desk.card(desk.small.people[0]).name
    line = next(line for line in desk.desk.search(name, 9) if str(line.person_id) == desk.small.people[0])
    assert line.claim == "Piano solo 0 · 10:00 · Room A"
    assert line.status is not None
    assert line.status.kind is StatusKind.EXPECTED
    assert desk.desk.search("school 3", 9)
    assert [line.name for line in desk.desk.search("oak choir", 9)] == ["Choir of Oak Hill"]


async def test_card_of_somebody_early_in_a_late_room(desk: Desk) -> None:
    """When, where, how early, how late the room; Enter checks in."""
    card = desk.card(desk.small.people[0])
    assert card.claim is not None
    assert (card.claim.time, card.claim.title, card.claim.place) == ("10:00", "Piano solo 0 · slot 1", "Room A")
    assert [hint.words for hint in card.hints] == [
        "In good time: 10 min early", "Room A is running 8 min late: about 10:08",
    ]  # fmt: skip
    assert card.buttons[0].action is CardAction.CHECK_IN
    assert card.scan_acts


async def test_late_and_here(desk: Desk) -> None:
    """Twelve minutes after the call: late; then here, pending until the server says so."""
    desk.now = MORNING + timedelta(minutes=12)
    card = desk.card(desk.small.people[0])
    assert card.status is not None
    assert (card.status.kind, card.status.words) == (StatusKind.LATE, "Late 12 min")
    outcome = await desk.desk.check_in(desk.claim(0))
    assert outcome.ok
    assert outcome.words == f"{card.name} is here"
    card = desk.card(desk.small.people[0])
    assert card.status is not None
    assert (card.status.words, card.status.pending) == ("Here 10:12", True)
    assert card.buttons[0].action is CardAction.UNDO
    assert card.undo_command == outcome.command_id
    assert not card.scan_acts
    await desk.answer("c2", Result(id=str(outcome.command_id), status="applied"))


async def test_recent_actions_name_who_and_when(desk: Desk) -> None:
    """Newest first; what was undone is gone."""
    first = await desk.desk.check_in(desk.claim(0))
    await desk.desk.no_show(desk.claim(1))
    names = [desk.card(person).name for person in desk.small.people[:2]]
    assert [action.status.words for action in desk.desk.recent(5)] == [f"{names[1]} 09:50", f"{names[0]} 09:50"]
    assert first.command_id is not None
    await desk.desk.undo(first.command_id)
    assert [action.status.words for action in desk.desk.recent(5)] == [f"{names[1]} 09:50"]


async def test_a_group_is_taken_whole_or_one_by_one(desk: Desk) -> None:
    """One member by tick, the rest by Enter; a member's own card is about that member alone."""
    choir, claim = derived_id(ROOT, "choir"), UUID(derived_id(ROOT, "choir claim"))
    ada, ben = derived_id(ROOT, "Ada Lind"), derived_id(ROOT, "Ben Osei")
    await desk.desk.check_in(claim, (UUID(ada),))
    card = desk.card(choir)
    assert [(member.name, member.here) for member in card.members] == [
        ("Ada Lind", True), ("Ben Osei", False), ("Chloë Martin", False),
    ]  # fmt: skip
    assert card.buttons[0].words == "Check in 2 more"
    alone = desk.card(ben)
    assert alone.members == ()
    assert alone.claim is not None
    await desk.desk.check_in(alone.claim.reservation_id)
    assert [member.here for member in desk.card(choir).members] == [True, True, False]
    await desk.desk.check_in(claim)
    assert desk.card(choir).buttons[0].enabled is False
    await desk.desk.undo_member(claim, UUID(ben))
    assert [member.here for member in desk.card(choir).members] == [True, False, True]


async def test_no_show_of_a_group_is_of_those_who_are_missing(desk: Desk) -> None:
    """Who is here stays here; where all are, nobody is marked."""
    choir, claim = derived_id(ROOT, "choir"), UUID(derived_id(ROOT, "choir claim"))
    await desk.desk.check_in(claim, (UUID(derived_id(ROOT, "Ada Lind")),))
    button = next(button for button in desk.card(choir).buttons if button.action is CardAction.NO_SHOW)
    assert (button.words, button.enabled) == ("2 no-show", True)
    done = await desk.desk.no_show(claim)
    assert (done.ok, done.words) == (True, "Choir of Oak Hill: 2 no-show")
    kinds = [member.status.kind for member in desk.card(choir).members if member.status is not None]
    assert kinds == [StatusKind.HERE, StatusKind.NO_SHOW, StatusKind.NO_SHOW]
    desk.now += timedelta(minutes=1)
    await desk.desk.check_in(claim)
    refused = await desk.desk.no_show(claim)
    assert (refused.ok, refused.words) == (False, "All of Choir of Oak Hill are here.")
    assert all(member.here for member in desk.card(choir).members)
    assert desk.attention.cards() == []


async def test_the_slip_carries_a_code_that_the_desk_finds(desk: Desk) -> None:
    """Of a claim, of a group, of somebody without a claim; a singer's own slip has the claim's while they have none."""
    for person in (desk.small.people[2], derived_id(ROOT, "choir"), derived_id(ROOT, "alone")):
        match = desk.desk.find_code(desk.card(person).code)
        assert match is not None
        assert str(match.person_id) == person
    assert desk.card(derived_id(ROOT, "Ben Osei")).code == scan_code(make_ref("RSV", 500))


async def test_of_two_namesakes_the_one_meant_is_shown(desk: Desk) -> None:
    """By the claim that was chosen on the Board, whoever else has that name, and whichever claim is nearer."""
    person, near = desk.small.people[0], desk.claim(0)
    name = desk.card(person).name
    open_slots = [line.slot_id for line in desk.desk.free_slots(UUID(person), None) if line.enabled]
    far = (await desk.desk.reserve(UUID(person), open_slots[-1])).command_id
    assert far is not None
    assert (await desk.desk.walk_in(name, open_slots[0])).ok
    walk_in = next(line.person_id for line in desk.desk.search(name, 9) if str(line.person_id) != person)
    model = DeskViewModel(desk.desk)
    for who, claim in ((UUID(person), near), (UUID(person), far), (walk_in, walk_in)):
        assert model.show(who, claim)
        assert model.state.card is not None
        assert model.state.card.claim is not None
        assert (model.state.card.person_id, model.state.card.claim.reservation_id) == (who, claim)
    model.close()


async def test_somebody_of_another_day_is_redirected(desk: Desk) -> None:
    """Says when instead; a scan does not act."""
    moved = await desk.desk.move(desk.claim(9), UUID(derived_id(ROOT, "tomorrow")))
    assert moved.ok
    card = desk.card(desk.small.people[9])
    assert card.hints[0].words == "Not today: the call is on Sunday 15 March at 10:50, Room B."
    assert card.buttons[0].action is CardAction.MOVE
    assert not card.scan_acts


async def test_on_the_eve_the_header_says_which_day_and_a_scan_only_shows(desk: Desk) -> None:
    """The date is the clock's; the figures are of the day that comes, and say so."""
    assert desk.desk.header().day == ""
    desk.now = MORNING - timedelta(days=1)
    header = desk.desk.header()
    assert (header.subtitle, header.day, header.total) == ("Friday 13 March", "Saturday 14 March", 13)
    card = desk.card(desk.small.people[0])
    assert not card.scan_acts
    assert card.hints[0].words == "Not today: the call is on Saturday 14 March at 10:00, Room A."
    assert card.buttons[0].words == "Check in anyway"
    assert desk.desk.search(card.name, 9)[0].claim.endswith("Saturday 14 March 10:00 · Room A")


async def test_after_the_last_day_the_date_is_the_clocks(desk: Desk) -> None:
    """The figures stay those of the last day."""
    desk.now = MORNING + timedelta(days=30)
    header = desk.desk.header()
    assert (header.subtitle, header.day) == ("Monday 13 April", "Sunday 15 March")
    assert not desk.card(desk.small.people[0]).scan_acts


async def test_a_code_that_is_not_here_yet_may_be_on_its_way(desk: Desk) -> None:
    """While the copy is not whole, nobody is told that their code is of no use."""
    loading = DeskService(desk.day, desk.store, lambda: "", lambda: loading_words(Status(filling=(40, 100))))
    assert loading.header().loading == "40 % is here."
    for service, words in ((loading, "may be in it"), (desk.desk, "is not in this programme")):
        match = service.find_code(make_ref("RSV", 999))
        assert match is not None
        assert words in match.words
    assert loading_words(Status(whole=True)) == desk.desk.header().loading == ""
    assert loading_words(Status(detail="The disk is full.")) == "The disk is full."


async def test_somebody_without_a_slot_can_reserve(desk: Desk) -> None:
    """No claim: offered a slot, and then has one, marked new and pending."""
    alone = derived_id(ROOT, "alone")
    card = desk.card(alone)
    assert [button.action for button in card.buttons] == [CardAction.RESERVE, CardAction.PRINT]
    lines = desk.desk.free_slots(UUID(alone), None)
    assert lines[0].enabled
    assert (await desk.desk.reserve(UUID(alone), lines[0].slot_id)).ok
    card = desk.card(alone)
    assert card.details.endswith("new")
    assert card.status is not None
    assert card.status.pending


async def test_a_walk_in_has_a_place_and_is_here(desk: Desk) -> None:
    """By name alone: found again by that name."""
    line = next(line for line in desk.desk.free_slots(None, None) if line.enabled)
    assert (await desk.desk.walk_in("Dina Petrova", line.slot_id)).ok
    found = desk.desk.search("dina", 5)[0]
    assert found.status is not None
    assert (found.name, found.status.kind) == ("Dina Petrova", StatusKind.HERE)


async def test_a_refused_walk_in_has_its_name(desk: Desk) -> None:
    """Place and arrival are both refused; the person stands there, and is named on each card."""
    line = next(line for line in desk.desk.free_slots(None, None) if line.enabled)
    await desk.desk.walk_in("Dina Petrova", line.slot_id)
    arrive, place = list(desk.day.own_commands())[:2]
    await desk.answer(
        "c2",
        Result(id=place.id, status="rejected", code="SLOT_FULL", details={"slot_id": str(line.slot_id)}),
        Result(id=arrive.id, status="rejected", code="NOT_FOUND"),
    )
    titles = [card.title for card in desk.attention.cards()]
    assert len(titles) == 2
    assert all("Dina Petrova" in title for title in titles)


async def test_codes(desk: Desk) -> None:
    """A scan finds the claim, a typed ref too; a misread one says so; a name is no code."""
    claim = desk.day.state.get(SlotReservation, desk.small.claims[2])
    assert claim is not None
    assert claim.ref is not None
    for text in (scan_code(claim.ref), claim.ref.lower()):
        match = desk.desk.find_code(text)
        assert match is not None
        assert (str(match.person_id), str(match.reservation_id)) == (desk.small.people[2], claim.id)
    broken = scan_code(claim.ref)[:-1] + ("2" if claim.ref[-1] != "2" else "3")
    match = desk.desk.find_code(broken)
    assert match is not None
    assert (match.person_id, match.words) == (None, "This code is misread.")
    assert desk.desk.find_code("maria") is None


async def test_a_refusal_waits_in_attention_until_it_is_settled(desk: Desk) -> None:
    """What was asked, what the server said, what holds now; another slot is a new request."""
    wanted = desk.desk.free_slots(None, desk.claim(0))[0]
    asked = await desk.desk.move(desk.claim(0), wanted.slot_id)
    (waiting,) = desk.attention.cards()
    assert waiting.waiting
    assert waiting.title == "1 proposal waits for the network"
    details = {"slot_id": str(wanted.slot_id), "reserved": 1, "capacity": 1, "spots": 1}
    await desk.answer("c2", Result(id=str(asked.command_id), status="rejected", code="SLOT_FULL", details=details))
    (card,) = desk.attention.cards()
    name = desk.card(desk.small.people[0]).name
    assert card.title.startswith(f"{name} could not move to Room ")
    text = "".join(span.text for line in card.lines for span in line)
    assert "1 of 1 places are taken" in text
    assert f"{name} still holds Room A, 10:00" in text
    assert [fix.fix_id.split(":")[0] for fix in card.fixes] == ["slot", "slot", "accept"]
    assert (await desk.attention.settle(card.card_id, card.fixes[0].fix_id)).ok
    assert [card.waiting for card in desk.attention.cards()] == [True]
    again = next(desk.day.own_commands())
    assert again.envelope.kind == "reservation.move"
    assert again.id != str(asked.command_id)


@pytest.mark.parametrize(("code", "words"), [("BLOCK_FULL", "The time block is"), ("EVENT_FULL", "The event is")])
async def test_a_refusal_says_how_full_what_holds_the_slot_is(desk: Desk, code: str, words: str) -> None:
    wanted = desk.desk.free_slots(None, desk.claim(0))[0]
    asked = await desk.desk.move(desk.claim(0), wanted.slot_id)
    details = {"reserved": 5, "capacity": 5, "spots": 1}
    await desk.answer("c2", Result(id=str(asked.command_id), status="rejected", code=code, details=details))
    (card,) = desk.attention.cards()
    assert f"{words} full. 5 of 5 places are taken." in "".join(span.text for line in card.lines for span in line)


async def test_a_double_check_in_is_flagged_and_seen(desk: Desk) -> None:
    """The flag says both times; Seen takes it off the list at once."""
    await desk.desk.check_in(desk.claim(0))
    desk.now += timedelta(minutes=3)
    await desk.desk.check_in(desk.claim(0))
    (card,) = desk.attention.cards()
    name = desk.card(desk.small.people[0]).name
    assert card.title == f"{name} was checked in twice, and that is fine"
    assert "".join(span.text for span in card.lines[0]) == (
        "Main desk at 09:50, this desk at 09:53. The earlier one stands."
    )
    assert (await desk.attention.settle(card.card_id, "seen")).ok
    assert desk.attention.cards() == []


async def test_who_is_not_in_the_party_is_named_on_the_flag(desk: Desk) -> None:
    """A check-in for somebody who was taken out of the party meanwhile counts, and says whose it is."""
    args = attend.Args(reservation_id=desk.small.claims[0], participant_ids=[desk.small.people[5]])
    await desk.store.submit(Wish("attendance.arrive", args))
    (card,) = desk.attention.cards()
    whose, other = (desk.card(desk.small.people[number]).name for number in (0, 5))
    assert card.title == f"Checked in, but not in the party of {whose}: {other}"


async def test_a_likely_refusal_is_said(desk: Desk) -> None:
    """The request is kept and sent, and the desk says what to expect."""
    full = next(line for line in desk.desk.free_slots(None, desk.claim(0)) if not line.enabled)
    outcome = await desk.desk.move(desk.claim(0), full.slot_id)
    assert outcome.ok
    assert "likely to refuse" in outcome.detail
    assert "likely to be refused" in "".join(span.text for span in desk.attention.cards()[0].lines[1])


async def test_the_strip_answers(desk: Desk) -> None:
    """Online and live; offline with how old and who is unseen; a wrong clock."""
    other = OtherDesk(id=new_device(), name="Desk 2", last_seen=desk.now - timedelta(minutes=6))
    online = Status(Link.ONLINE, desk.now, desk.now - timedelta(seconds=2), desks=(other,))
    strip = strip_state(desk.day, online)
    assert strip.connection.state is ConnectionState.ONLINE
    fresh = strip.freshness
    assert (fresh.age, fresh.live, fresh.unseen) == ("2 s", True, "Desk 2 unseen for 6 min")
    offline = Status(Link.OFFLINE, desk.now, desk.now - timedelta(minutes=3), desks=(other,))
    assert strip_state(desk.day, offline).connection.since == "09:50"
    assert as_of(desk.day, offline) == "As of 3 min ago; Desk 2 unseen for 6 min"
    assert as_of(desk.day, online) == ""
    assert clock_note(2400) == "clock 2 s behind"
    assert clock_note(-120_000) == "clock 2 min ahead"
    assert clock_note(300) == ""


async def test_listeners_hear_ids_and_pending(desk: Desk) -> None:
    """Screens are told which rows changed, and whether they are confirmed."""
    heard: list[frozenset[Id]] = []
    rows: list[frozenset[Id]] = []
    stop, end = desk.day.follow(heard.append), desk.day.subscribe(rows.append)
    outcome = await desk.desk.check_in(desk.claim(0))
    fact = derived_id(str(outcome.command_id), desk.small.people[0])
    assert {fact, desk.small.claims[0], str(outcome.command_id)} <= heard[-1]
    assert rows[-1] == heard[-1] - {str(outcome.command_id)}
    assert desk.day.is_pending(Attendance, fact)
    assert desk.day.unsent() == 1
    await desk.answer("c2", Result(id=str(outcome.command_id), status="applied"))
    assert desk.day.unsent() == 0
    assert len(rows) == len(heard)
    stop()
    end()


async def test_undoing_one_member_leaves_the_others_as_they_were(desk: Desk) -> None:
    """They are still here since they came, and it is one step on the disk: a kill leaves all of it or none."""
    choir, claim = derived_id(ROOT, "choir"), UUID(derived_id(ROOT, "choir claim"))
    desk.store.clock_offset_ms = 60_000
    came = desk.store.server_now()
    await desk.desk.check_in(claim)
    desk.now += timedelta(minutes=20)
    first = len(desk.day.commands)
    steps: list[int] = []
    stop = desk.store.subscribe(lambda diff: steps.append(len(diff.commands)))
    assert (await desk.desk.undo_member(claim, UUID(derived_id(ROOT, "Ada Lind")))).ok
    stop()
    assert steps == [2]
    assert len(desk.day.commands) == first + 2
    assert [member.here for member in desk.card(choir).members] == [False, True, True]
    again = next(desk.day.own_commands())
    facts: list[Attendance] = desk.day.state.find(FACTS_OF_COMMAND, again.id)
    assert {fact.occurred_at for fact in facts} == {came}
    assert len(facts) == 2


async def test_asking_again_is_one_step(desk: Desk) -> None:
    """The new request and the refused one's end are never on the disk without each other."""
    wanted = desk.desk.free_slots(None, desk.claim(0))[0]
    asked = await desk.desk.move(desk.claim(0), wanted.slot_id)
    await desk.answer("c2", Result(id=str(asked.command_id), status="rejected", code="SLOT_FULL"))
    (card,) = desk.attention.cards()
    steps: list[set[Id]] = []
    stop = desk.store.subscribe(lambda diff: steps.append({command.id for command in diff.commands}))
    assert (await desk.attention.settle(card.card_id, card.fixes[0].fix_id)).ok
    stop()
    again = next(desk.day.own_commands())
    assert steps == [{str(asked.command_id), again.id}]
    assert desk.day.commands[str(asked.command_id)].resolution == f"reissued {again.id}"


async def test_what_an_earlier_desk_left_waits_in_attention(desk: Desk) -> None:
    """Enrolled as another desk: what was never sent is told by name and time, and counted as nothing of this desk."""
    await desk.desk.check_in(desk.claim(0))
    name = desk.card(desk.small.people[0]).name
    other = msgspec.structs.replace(identity(), device=new_device(), name="Side desk")
    assert await desk.store.enrol(other) is None
    puts = [(type(row).TABLE, msgspec.Raw(msgspec.json.encode(row))) for row in desk.small.rows]
    await desk.store.begin_filling(anew=False)
    await desk.store.fill(Delta(cursor="d1", puts=puts), None, len(puts))
    assert await desk.store.reveal(desk.now) is None
    (card,) = desk.attention.cards()
    assert card.title == f"Never sent: {name} is here"
    assert "".join(span.text for span in card.lines[0]) == (
        "Asked at 09:50 as Main desk, before this computer was enrolled anew."
    )
    assert desk.day.unsent() == 0
    assert desk.desk.recent(5) == []
    assert (await desk.attention.settle(card.card_id, "accept")).ok
    assert desk.attention.cards() == []


async def test_the_strip_says_what_is_wrong(desk: Desk) -> None:
    """Trouble in words, though fresh; a desk that is revoked or stopped too."""
    fresh = desk.now - timedelta(seconds=2)
    for link, state in (
        (Link.TROUBLE, ConnectionState.TROUBLE),
        (Link.STOPPED, ConnectionState.TROUBLE),
        (Link.REVOKED, ConnectionState.BLOCKED),
    ):
        shown = strip_state(desk.day, Status(link, desk.now, fresh, detail="The server has a fault."))
        assert (shown.connection.state, shown.connection.detail) == (state, "The server has a fault.")
    assert strip_state(desk.day, Status(Link.TROUBLE, desk.now, fresh)).freshness.live


async def test_a_desk_that_was_taken_off_begins_anew(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id and token are gone, so that it enrols as another; what was asked is still on the disk."""

    def no_keyring(*_: str) -> None:
        raise keyring.errors.NoKeyringError

    monkeypatch.setattr(keyring, "delete_password", no_keyring)
    profile = Profile.open(tmp_path)
    assert isinstance(profile, Profile)
    profile.token.write_text("secret", encoding="ascii")
    (tmp_path / "device").write_text("an id", encoding="ascii")
    asked = await desk.desk.check_in(desk.claim(0))
    assert await leave(profile, desk.store) is None
    assert not profile.token.exists()
    assert not (tmp_path / "device").exists()
    assert desk.day.state.rows[Participant] == {}
    assert str(asked.command_id) in desk.day.commands
    profile.close()


def new_device() -> Id:
    """Another desk's id."""
    return derived_id(ROOT, "Desk 2")


def test_a_time_beyond_the_calendar_of_a_zone_is_shown_too() -> None:
    """Such a row would otherwise break every card of the day."""
    for zone in ("America/New_York", "Asia/Tokyo"):
        for far in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
            assert len(clock(far, ZoneInfo(zone))) == len("09:41")
