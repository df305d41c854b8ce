"""Who plays in the demo at River Behavioral Health: sites, services, therapists, clients. Everybody is invented and
visibly so; telephone numbers are from the range kept for fiction. Each scene has its own people, so that none disturbs
another: a therapist's or client's `tag` is the care plan that only they know."""

from __future__ import annotations

from dataclasses import dataclass

SITES = {
    "North": ("North Shore", "America/Chicago", "IL", "4001"),
    "Lakeside": ("Lakeside", "America/Chicago", "IL", "4002"),
    "East": ("East Harbor", "America/New_York", "NY", "4003"),
    "Hilltop": ("Hilltop", "America/Chicago", "IL", "4004"),
    "South": ("South Side", "America/Chicago", "IL", "4005"),
}
SERVICES = {
    "therapy-50": ("Therapy, 50 minutes", 50, "1001"),
    "intake": ("First visit", 60, "1002"),
    "group-90": ("Group, 90 minutes", 90, "1003"),
}
CLASS_SIZES = {"group-90": 8}
"""How many clients share one time, of the services that the booking system calls a class."""


@dataclass(frozen=True, slots=True)
class Therapist:
    """One of the group: where they work, what care plans they know, and how they are reached."""

    handle: str
    site: str
    tags: tuple[str, ...]
    number: int
    by_mail: bool = False

    @property
    def calendar(self) -> int:
        """Their calendar in the booking system."""
        return 100 + self.number

    @property
    def practitioner(self) -> str:
        """Their id in the EHR."""
        return f"prac-{self.number:02d}"

    @property
    def phone(self) -> str:
        """Their telephone."""
        return f"+1555013{self.number:04d}"

    @property
    def email(self) -> str:
        """Their mail address."""
        return f"{self.handle.lower()}@river.example"

    @property
    def address(self) -> str:
        """Where they are reached."""
        return self.email if self.by_mail else self.phone


THERAPISTS = (
    Therapist("Ana", "North", ("cbt",), 1),
    Therapist("Ben", "North", ("cbt",), 2),
    Therapist("Cleo", "North", ("cbt", "trauma"), 3),
    Therapist("Dev", "East", ("emdr",), 4),
    Therapist("Elif", "North", ("cbt",), 5, by_mail=True),
    Therapist("Finn", "Lakeside", ("cbt", "family"), 6),
    Therapist("Gita", "Lakeside", ("family",), 7),
    Therapist("Hugo", "Lakeside", ("dbt",), 8),
    Therapist("Ines", "East", ("dbt",), 9),
    Therapist("Jonas", "East", ("family",), 10),
    Therapist("Kaya", "Lakeside", ("trauma",), 11),
    Therapist("Liam", "East", ("cbt",), 12),
    # a colleague falls ill
    Therapist("Milo", "Lakeside", ("child",), 13),
    Therapist("Nia", "Lakeside", ("child",), 14),
    Therapist("Orla", "Lakeside", ("child",), 15),
    Therapist("Pavel", "North", ("child",), 16),
    # a freed hour, a no-show, an add-on, a request
    Therapist("Quinn", "Lakeside", ("sleep",), 17),
    Therapist("Rhea", "Lakeside", ("grief",), 18),
    Therapist("Sven", "North", ("acute",), 19),
    Therapist("Tess", "North", ("acute",), 20),
    Therapist("Umar", "Lakeside", ("couples",), 21),
    # one who leaves, and who follows
    Therapist("Vera", "East", ("schema",), 22),
    Therapist("Wim", "East", ("schema",), 23),
    # a site that closes
    Therapist("Xena", "Hilltop", ("pain",), 24),
    Therapist("Yusuf", "Hilltop", ("pain",), 25),
    # a group's two, and a third who knows it
    Therapist("Zoe", "Lakeside", ("skills",), 26),
    Therapist("Abel", "Lakeside", ("skills",), 27),
    Therapist("Brita", "Lakeside", ("skills",), 28),
    # a site where only the first stage is live
    Therapist("Colm", "South", ("anxiety",), 29),
    Therapist("Dora", "South", ("anxiety",), 30),
)
OFFICE = ("Mia", "Noor", "Dana", "Rosa")


@dataclass(frozen=True, slots=True)
class Client:
    """An invented patient. Their family name says so."""

    number: int
    given: str
    tag: str
    state: str = "IL"

    family = "Madeupperson"

    @property
    def phone(self) -> str:
        """Their telephone."""
        return f"+1555014{self.number:04d}"

    @property
    def email(self) -> str:
        """Their mail address."""
        return f"{self.given.lower()}{self.number}@nobody.example"

    @property
    def fhir_id(self) -> str:
        """Their id in the EHR."""
        return f"pat-{self.number:03d}"


_GIVEN: tuple[tuple[str, str], ...] = (
    ("cbt", "Pepper Juniper Clover"),
    ("emdr", "Basil"),
    ("family", "Sage"),
    ("trauma", "Saffron"),
    ("dbt", "Tarragon"),
    ("cbt", "Nutmeg"),
    ("sleep", "Anise Borage Caraway Chervil Cicely Coriander"),
    ("child", "Cumin Dill Fennel Galangal Ginger Hyssop Lovage"),
    ("grief", "Lavender Licorice"),
    ("acute", "Mace Marjoram Mustard Oregano"),
    ("couples", "Paprika Parsley"),
    ("schema", "Rosemary Rue"),
    ("pain", "Savory Sesame Sorrel Sumac Tamarind"),
    ("skills", "Thyme Turmeric Vanilla Verbena Wasabi Woodruff Yarrow Zedoary"),
    ("anxiety", "Spearmint Chive"),
    ("sleep", "Lemongrass Rosehip"),
)
"""First names by care plan, in the order of their numbers."""
_STATES = {"schema": "NY"}
WAITING: dict[str, tuple[str, str, int]] = {
    "Borage": ("08:00", "09:00", 9),
    "Caraway": ("08:00", "09:00", 6),
    "Cicely": ("09:00", "10:00", 5),
    "Rosehip": ("16:00", "18:00", 4),
}
"""Who waits for an hour with Quinn: between which times of day, and for how many weeks already."""

CLIENTS = tuple(
    Client(number, given, tag, _STATES.get(tag, "IL"))
    for number, (tag, given) in enumerate(((tag, given) for tag, names in _GIVEN for given in names.split()), start=1)
)


def therapist(handle: str) -> Therapist:
    """A therapist by name."""
    return next(t for t in THERAPISTS if t.handle == handle)


def clients(tag: str) -> tuple[Client, ...]:
    """The clients of a care plan."""
    return tuple(c for c in CLIENTS if c.tag == tag)
