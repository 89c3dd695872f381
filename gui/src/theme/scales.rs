//! Colour scales for quantities.

use eframe::egui::Color32;

/// Viridis at nine places.
const VIRIDIS: [[u8; 3]; 9] = [
    [68, 1, 84],
    [71, 45, 123],
    [59, 82, 139],
    [44, 114, 142],
    [33, 145, 140],
    [40, 174, 128],
    [94, 201, 98],
    [173, 220, 48],
    [253, 231, 37],
];

/// Colour of a share from 0 (dark violet) to 1 (yellow).
pub fn sequential(share: f32) -> Color32 {
    let at = share.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f32;
    let low = (at as usize).min(VIRIDIS.len() - 2);
    let within = at - low as f32;
    let mix = |i: usize| {
        let (a, b) = (f32::from(VIRIDIS[low][i]), f32::from(VIRIDIS[low + 1][i]));
        (a + (b - a) * within).round() as u8
    };
    Color32::from_rgb(mix(0), mix(1), mix(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_gets_lighter_all_the_way() {
        let light = |c: Color32| 2 * u32::from(c.r()) + 5 * u32::from(c.g()) + u32::from(c.b());
        let steps: Vec<u32> = (0..=20).map(|i| light(sequential(i as f32 / 20.0))).collect();
        assert!(steps.windows(2).all(|w| w[0] < w[1]), "{steps:?}");
    }
}
