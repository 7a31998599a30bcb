"""The microarchitecture of a server processor from its CPUID numbers, named as in data/power_model.csv.

Only Xeon and EPYC parts are named, because the rows of the table are servers. Laptop parts of the same generation draw different power. Arm
parts are not named, because the figures published for them are those of an EPYC.
"""

from __future__ import annotations

from ...machine.host import Processor

# Linux, arch/x86/include/asm/intel-family.h (family 6)
_INTEL = {
    42: "Sandy Bridge",
    45: "Sandy Bridge",
    58: "Ivy Bridge",
    62: "Ivy Bridge",
    60: "Haswell",
    63: "Haswell",
    61: "Broadwell",
    71: "Broadwell",
    79: "Broadwell",
    86: "Broadwell",
    94: "Skylake",
    106: "Ice Lake",
    108: "Ice Lake",
    143: "Sapphire Rapids",
    207: "Emerald Rapids",
    173: "Granite Rapids",
    174: "Granite Rapids",
}
_SKYLAKE_SERVER, _COFFEE_LAKE = 85, 158  # several generations share each number; the stepping separates them
_CASCADE_LAKE_STEPPINGS = range(5, 8)  # lower: Skylake; from 10: Cooper Lake, which has no row
_COFFEE_LAKE_FIRST_STEPPING = 10  # lower: Kaby Lake, which has no row

# Linux, arch/x86/kernel/cpu/amd.c (families 23, 25 and 26). Family 26, the 5th generation, has no trusted figures.
_EPYC = (
    (23, range(0x00, 0x30), "EPYC 1st Gen"),
    (23, range(0x30, 0x40), "EPYC 2nd Gen"),
    (25, range(0x00, 0x10), "EPYC 3rd Gen"),
    (25, range(0x10, 0x20), "EPYC 4th Gen"),
    (25, range(0xA0, 0xB0), "EPYC 4th Gen"),
)


def microarchitecture(cpu: Processor) -> str | None:
    """The name of the processor's generation; None if it is not a known server part."""
    if cpu.vendor == "AuthenticAMD" and "EPYC" in cpu.name:
        return next((name for family, models, name in _EPYC if cpu.family == family and cpu.model in models), None)
    if cpu.vendor == "GenuineIntel" and cpu.family == 6 and "Xeon" in cpu.name:
        return _intel(cpu)
    return None


def _intel(cpu: Processor) -> str | None:
    if cpu.model == _SKYLAKE_SERVER:
        if cpu.stepping in _CASCADE_LAKE_STEPPINGS:
            return "Cascade Lake"
        return "Skylake" if cpu.stepping < _CASCADE_LAKE_STEPPINGS.start else None
    if cpu.model == _COFFEE_LAKE:
        return "Coffee Lake" if cpu.stepping >= _COFFEE_LAKE_FIRST_STEPPING else None
    return _INTEL.get(cpu.model)
