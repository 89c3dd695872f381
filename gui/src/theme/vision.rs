//! The colours as people with a colour-vision deficiency see them.
//!
//! Simulation: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based Model for Simulation of
//! Color Vision Deficiency", IEEE TVCG 15 (2009), the matrices for severity 1.0, on linear RGB. Distance: the
//! Euclidean one in CIE L*a*b* (CIE 1976), D65; about 2.3 is the smallest difference that is noticed between
//! large areas (M. Mahy, L. Van Eycken, A. Oosterlinck, 1994).

use super::{DARK, LIGHT, Tokens};
use eframe::egui::Color32;
use sim_core::observe::record::Part;

type Matrix = [[f64; 3]; 3];

const VISIONS: [(&str, Matrix); 4] = [
    ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    ),
    (
        "deuteranopia",
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ),
    (
        "tritanopia",
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ),
];

/// Product of a matrix and a column.
fn times(m: &Matrix, v: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|row| m[row][0] * v[0] + m[row][1] * v[1] + m[row][2] * v[2])
}

/// sRGB without its transfer function (IEC 61966-2-1).
fn linear(colour: Color32) -> [f64; 3] {
    [colour.r(), colour.g(), colour.b()].map(|v| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    })
}

/// L*, a*, b* of linear sRGB under D65.
fn lab(rgb: [f64; 3]) -> [f64; 3] {
    const XYZ: Matrix = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ];
    let [x, y, z] = times(&XYZ, rgb);
    let f = |t: f64| if t > 216.0 / 24389.0 { t.cbrt() } else { (24389.0 / 27.0 * t + 16.0) / 116.0 };
    let (fx, fy, fz) = (f(x / 0.95047), f(y), f(z / 1.08883));
    [116.0 * fy - 16.0, 500.0 * (fx - fy), 200.0 * (fy - fz)]
}

/// How far apart two colours are for one kind of vision.
fn distance(a: Color32, b: Color32, vision: &Matrix) -> f64 {
    let seen = |c: Color32| lab(times(vision, linear(c)).map(|v| v.clamp(0.0, 1.0)));
    let (a, b) = (seen(a), seen(b));
    [0, 1, 2].map(|i| (a[i] - b[i]).powi(2)).iter().sum::<f64>().sqrt()
}

/// Asserts that all of some colours are at least `least` apart for everybody.
fn apart(what: &str, tokens: &Tokens, colours: &[(String, Color32)], least: f64) {
    for (vision, matrix) in &VISIONS {
        for (i, (a, first)) in colours.iter().enumerate() {
            for (b, second) in &colours[i + 1..] {
                let found = distance(*first, *second, matrix);
                let theme = if tokens.is_dark() { "dark" } else { "light" };
                assert!(found >= least, "{theme} {what}, {vision}: {a} and {b} are {found:.1} apart");
            }
        }
    }
}

#[test]
fn stages_and_parts_can_be_told_apart_with_every_colour_vision() {
    for tokens in [&DARK, &LIGHT] {
        let stages = [
            ("waiting", tokens.waiting),
            ("arrived", tokens.arrived),
            ("executed", tokens.executed),
            ("voted", tokens.voted),
            ("final", tokens.finalised),
        ];
        let stages = stages.map(|(name, colour)| (name.to_owned(), colour));
        // Dots are small and mixed with each other: some nine times the smallest difference that is noticed.
        apart("stages", tokens, &stages, 20.0);
        let parts = Part::ALL.map(|part| (part.name().to_owned(), tokens.part(part)));
        // Bars are larger, in a fixed order and named under the pointer: some six times.
        apart("parts", tokens, &parts, 15.0);
    }
}

#[test]
fn the_simulation_of_vision_finds_what_is_confused() {
    let (red, green) = (Color32::from_rgb(200, 60, 40), Color32::from_rgb(110, 120, 30));
    let by_vision = VISIONS.map(|(_, matrix)| distance(red, green, &matrix));
    assert!(by_vision[0] > 60.0 && by_vision[2] < by_vision[0] / 2.0, "{by_vision:?}");
    let white = distance(Color32::WHITE, Color32::BLACK, &VISIONS[0].1);
    assert!((white - 100.0).abs() < 0.1, "{white}");
}
