# ruff: noqa: E501 - lines of a file are as long as they were
"""What people really wrote: the shape of published files, in a few lines of our own."""

from __future__ import annotations

from names import Names
from ultramonkey_ldirectord.config.configuration import parse
from ultramonkey_ldirectord.config.model import Forward, Kind


def problems(loaded):
    return [str(problem) for problem in loaded.problems]


def bank(service):
    """A director of a hundred and more services, each with blanks and tabs as they came, and a check of its own."""
    sections = [
        f"virtual=198.51.100.50:{port}\n\t real=203.0.113.1:{port} masq 2\n        real=203.0.113.2:{port} masq 2 \n"
        f"\t#real=203.0.113.3:{port} masq 2\n         service={service}\n        scheduler=wrr\n"
        "        protocol=tcp\n        negotiatetimeout=3\n"
        for port in range(10_001, 10_144)
    ]
    return "# Global Directives\ncheckinterval=15\nautoreload=yes\nquiescent=yes\n\n# ---\n\n" + "\n".join(
        sections
    )


def test_a_hundred_services_with_a_check_of_somebody_s_own_are_a_hundred_answers():
    loaded = parse(bank("pingpong_slave"), "ld.cf", Names())
    said = problems(loaded)
    assert len(said) == 143
    assert all("service: pingpong_slave is not a service that can be checked" in line for line in said)
    # Nothing else is said of a section that is only half understood.
    assert said[0].startswith("ld.cf:12: ")


def test_with_a_service_that_there_is_they_all_load():
    loaded = parse(bank("nntp"), "ld.cf", Names())
    assert problems(loaded) == []
    assert loaded.configuration is not None
    assert [len(virtual.reals) for virtual in loaded.configuration.virtuals] == [2] * 143


def test_a_generated_file_for_a_mark_with_blanks_everywhere():
    text = (
        "##########\n## internal resolvers (#168430090)\nautoreload = yes\nquiescent=yes\nvirtual=168430090 \n"
        "\t# Parameters\n\tprotocol=fwm\n\tcheckinterval=1\n\tchecktimeout=2\n\tchecktype=2\n\tnegotiatetimeout=5\n"
        '\tservice=dns\n\trequest="dns.example.net"\n\treceive="10.10.10.13"\n\tscheduler=wlc  \n'
        "\tfallback=10.10.10.10 gate\n\t# Realservers\n\treal=10.1.0.11 ipip 100 \n\treal=10.1.0.12 ipip 100 \n# end #\n"
    )
    loaded = parse(text, "ld.cf", Names())
    assert problems(loaded) == []
    assert loaded.configuration is not None
    (virtual,) = loaded.configuration.virtuals
    assert (str(virtual.key), virtual.check.kind, virtual.check.connects) == (
        "fwm:168430090",
        Kind.COMBINED,
        2,
    )
    assert [(real.forward, real.weight, real.port) for real in virtual.reals] == [(Forward.IPIP, 100, 0)] * 2


def test_comments_in_another_script_and_blanks_of_another_script():
    text = (
        "checktimeout=3\u3000\t\t# 超时时间\nquiescent=no\nvirtual=198.51.100.10:80\n\treal=203.0.113.1:80 gate 1 \t # 权重\n"
        '\tservice=http\n\trequest="index.html" \t# 检测文件\n\tvirtualhost=www.example.com \t# 虚拟\n'
    )
    loaded = parse(text, "ld.cf", Names())
    assert [line.partition(" (")[0].split(": ")[2] for line in problems(loaded)] == [
        "there is a strange blank, U+3000",
        "a comment stands behind a global value",
    ]
    assert loaded.configuration is not None
    assert loaded.configuration.virtuals[0].check.virtualhost == "www.example.com"


def test_a_fallback_that_is_the_virtual_address_itself_and_a_pattern():
    text = (
        "quiescent = no\nvirtual = 198.51.100.10:443\n    fallback = 198.51.100.10:443 gate\n"
        "    real = 203.0.113.1:443 gate 10\n    persistent = 7200\n    service = https\n"
        '    request = "/areyouthere.php"\n    receive = "OK web[0-9]+"\n    checktype = negotiate\n'
    )
    loaded = parse(text, "ld.cf", Names())
    assert problems(loaded) == []
    assert loaded.configuration is not None
    assert loaded.configuration.virtuals[0].persistent_s == 7200
