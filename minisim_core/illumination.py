"""Static fields of the scope: excitation profile, vignetting, stray light."""

from __future__ import annotations

from .parameters import Parameters, quantity


class Illumination(Parameters):
    """How evenly the tissue is lit, and how evenly the lens collects."""

    led_mw: float = quantity(
        0.4,
        "excitation power at the tissue",
        low=0,
        high=10,
        unit="mW",
        step=0.01,
        label="LED power",
    )
    spot_area_mm2: float = quantity(
        0.79, "area over which the power is spread", low=0.01, high=50, unit="mm²"
    )
    wavelength_nm: float = quantity(470, "excitation wavelength", low=400, high=560, unit="nm")
    width_um: float = quantity(
        600,
        "sd of the excitation profile; larger is more even",
        low=150,
        high=20000,
        unit="µm",
        log=True,
        label="Width of the illumination",
    )
    offset_y_um: float = quantity(
        30, "where the excitation is centred, down", low=-500, high=500, unit="µm"
    )
    offset_x_um: float = quantity(
        -40, "where the excitation is centred, right", low=-500, high=500, unit="µm"
    )
    vignetting_per_mm2: float = quantity(
        0.385,
        "fall-off of collection: exp(-vignetting r²)",
        low=0,
        high=5,
        step=0.005,
        unit="/mm²",
        label="Vignetting",
        source="fit to the ray-traced V4 fall-off (0.87 at 0.6 mm), within 0.02",
    )
    stray_light_e_per_mw_s: float = quantity(
        1700,
        "stray excitation reaching the sensor's centre, per pixel, mW and second",
        low=0,
        high=1e5,
        unit="e⁻/(mW s)",
        log=True,
        label="Stray light",
    )
    stray_width_um: float = quantity(
        450, "sd of the stray glow", low=100, high=20000, unit="µm", log=True
    )
