"""What a CSV of addresses may look like, and what is said of each line."""

import pytest

from devices.domain.addresses import SAMPLE, UnreadableFile, normal_address, read_address_csv


def rows(data):
    return [(row.line, row.address, row.problem) for row in read_address_csv(data)]


@pytest.mark.parametrize(
    "data",
    [
        b"192.0.2.1\n192.0.2.2\n",
        b"IP address\r\n192.0.2.1\r\n192.0.2.2\r\n",
        b"\xef\xbb\xbfIP Address,Comment\n192.0.2.1,x\n192.0.2.2,y\n",
        "IP\n192.0.2.1\n192.0.2.2\n".encode("utf-16"),
        b"name;address\ncore;192.0.2.1\nedge;192.0.2.2\n",
        b"host\tip_address\na\t192.0.2.1\nb\t 192.0.2.2 \n\n",
        b'"192.0.2.1"\n"192.0.2.2"',
    ],
)
def test_every_usual_form_is_read(data):
    assert [address for _, address, problem in rows(data) if not problem] == ["192.0.2.1", "192.0.2.2"]


def test_each_bad_line_says_why_with_its_number():
    found = rows(b"IP address\n192.0.2.1\n192.0.2.1\n010.0.0.1\n192.0.2.0/24\n,\nfe80::1%eth0\n::ffff:10.0.0.1\n=1+1\n")
    assert found[0] == (2, "192.0.2.1", "")
    assert found[1][2] == "The same address stands in line 2."
    assert "is not an IP address" in found[2][2] and "is not an IP address" in found[3][2]
    assert "zone" in found[4][2]
    assert found[5][1:] == ("10.0.0.1", "")
    assert found[6][2] == "'=1+1' is not an IP address."


@pytest.mark.parametrize(
    "data,word",
    [
        (b"", "empty"),
        (b"\xff\xff\xff", "Line 1"),
        (b"192.0.2.1\n\xe4\n", "Line 2"),
        (b"a\x00b", "NUL"),
        (b'"' + b"x" * 200_000, "line"),
    ],
)
def test_a_file_that_is_no_csv_is_refused_with_the_place(data, word):
    with pytest.raises(UnreadableFile, match=word):
        list(read_address_csv(data))


def test_a_hundred_thousand_lines_are_read_quickly():
    data = "\n".join(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(100_000)).encode()
    assert sum(1 for row in read_address_csv(data) if not row.problem) == 100_000


def test_the_sample_is_itself_readable():
    assert [address for _, address, problem in rows(SAMPLE.encode()) if not problem] == [
        "192.168.1.10",
        "192.168.1.11",
        "2001:db8::1",
    ]


@pytest.mark.parametrize("text", ["1.2.3", "1.2.3.4 5", "0x7f.1", "１.2.3.4", "", "host"])
def test_what_is_no_address_is_no_address(text):
    with pytest.raises(ValueError):
        normal_address(text)
