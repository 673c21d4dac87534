"""Play the devices of the field cases, by hand."""

from tests.field.cases import CASES
from tests.field.devices import main

main(CASES)
