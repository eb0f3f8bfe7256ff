"""The parts of Pykka that a new kind of actor cannot do without, and that it keeps private.

Pykka 4.5 has no public way to add a runtime: its own sibling packages import these too.
``tests/actors/test_pykka_contract.py`` fails when they move. Besides, the runtime overrides the
methods that ``pykka.Actor`` names "for implementors of new actor types", which have an underscore.
"""

from pykka._envelope import Envelope
from pykka.messages import _ActorStop as ActorStop

__all__ = ["ActorStop", "Envelope"]
