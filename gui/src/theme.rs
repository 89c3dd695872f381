//! Colours, sizes and spacing: the only place where they are written down.
//!
//! States of a node are Okabe and Ito's colours, which stay apart under the common colour-vision
//! deficiencies; quantities are on viridis; resources have the hues of the report's figures. Text keeps a
//! contrast of at least 4.5 to 1 against what it stands on (tested).

mod scales;
mod style;

pub use scales::sequential;
pub use style::{apply, size};

use eframe::egui::{Color32, Ui};
use sim_core::observe::record::{Part, Resource};

/// The colours of one theme.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// Behind everything.
    pub window: Color32,
    /// Panels.
    pub panel: Color32,
    /// Things that stand out from a panel: fields, tiles, tracks.
    pub raised: Color32,
    /// Lines between things.
    pub line: Color32,
    /// Text.
    pub ink: Color32,
    /// Secondary text.
    pub faint: Color32,
    /// What can be clicked, what is chosen.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Things that are right.
    pub good: Color32,
    /// Things to check.
    pub warning: Color32,
    /// Things that are wrong.
    pub error: Color32,
    /// The sea.
    pub sea: Color32,
    /// The land.
    pub land: Color32,
    /// Its edge.
    pub coast: Color32,
    /// The block has not arrived.
    pub waiting: Color32,
    /// It has arrived.
    pub arrived: Color32,
    /// The node has executed it.
    pub executed: Color32,
    /// The node has voted for it.
    pub voted: Color32,
    /// It is final there.
    pub finalised: Color32,
    /// A message under way.
    pub message: Color32,
    dark: bool,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// The dark theme.
pub const DARK: Tokens = Tokens {
    window: rgb(0x0b0f16),
    panel: rgb(0x121822),
    raised: rgb(0x1c2431),
    line: rgb(0x2a3442),
    ink: rgb(0xe8edf4),
    faint: rgb(0x97a3b4),
    accent: rgb(0x5aa9ff),
    on_accent: rgb(0x06121f),
    good: rgb(0x3ecf9b),
    warning: rgb(0xf0be5a),
    error: rgb(0xff8575),
    sea: rgb(0x0d131c),
    land: rgb(0x1d2733),
    coast: rgb(0x3a4859),
    waiting: rgb(0x566376),
    arrived: rgb(0xe69f00),
    executed: rgb(0x56b4e9),
    voted: rgb(0x00b386),
    finalised: rgb(0xf0e442),
    message: rgb(0xffe3a8),
    dark: true,
};

/// The light theme.
pub const LIGHT: Tokens = Tokens {
    window: rgb(0xe9edf2),
    panel: rgb(0xffffff),
    raised: rgb(0xf0f3f7),
    line: rgb(0xd5dce4),
    ink: rgb(0x18212c),
    faint: rgb(0x566373),
    accent: rgb(0x0b62c4),
    on_accent: rgb(0xffffff),
    good: rgb(0x00735a),
    warning: rgb(0x8c5400),
    error: rgb(0xb22218),
    sea: rgb(0xf4f7fa),
    land: rgb(0xdfe5ec),
    coast: rgb(0xb3bfcc),
    waiting: rgb(0x9aa7b6),
    arrived: rgb(0xe08a00),
    executed: rgb(0x0072b2),
    voted: rgb(0x009e73),
    finalised: rgb(0x1f2933),
    message: rgb(0xc46a00),
    dark: false,
};

impl Tokens {
    /// The colours a `Ui` is drawn in.
    pub fn of(ui: &Ui) -> &'static Self {
        if ui.visuals().dark_mode { &DARK } else { &LIGHT }
    }

    /// The dark ones.
    pub fn is_dark(&self) -> bool {
        self.dark
    }

    /// Colour of a resource.
    pub fn resource(&self, resource: Resource) -> Color32 {
        let (dark, light) = match resource {
            Resource::Uplink => (0x4f9ddf, 0x1f6fb2),
            Resource::Downlink => (0xab8fe0, 0x7a59b5),
            Resource::Latency => (0x2dc79a, 0x117a59),
            Resource::Execution => (0xf58a36, 0xc75400),
            Resource::Protocol => (0x9aa5b3, 0x6b6b6b),
        };
        rgb(if self.dark { dark } else { light })
    }

    /// Colour of one of several runs: Okabe and Ito's, the first (the base) that of text.
    pub fn lane(&self, lane: usize) -> Color32 {
        const DARK: [u32; 6] = [0xe69f00, 0x56b4e9, 0x00b386, 0xf0e442, 0xcc79a7, 0xe8703a];
        const LIGHT: [u32; 6] = [0x8f5902, 0x0072b2, 0x007353, 0x6b5900, 0xa8487f, 0xb54300];
        match lane.checked_sub(1) {
            None => self.ink,
            Some(arm) => rgb(if self.dark { DARK } else { LIGHT }[arm % DARK.len()]),
        }
    }

    /// Colour of a part: its resource's hue in a lightness of its own.
    pub fn part(&self, part: Part) -> Color32 {
        let base = self.resource(part.resource());
        let towards = |target: Color32, share: f32| base.lerp_to_gamma(target, share);
        match part {
            Part::SerialisationUp | Part::SerialisationDown | Part::Propagation | Part::Execution => base,
            Part::QueueUp | Part::QueueDown | Part::Build => towards(Color32::WHITE, 0.4),
            Part::CpuWait | Part::LeaderWait => towards(Color32::BLACK, 0.4),
            Part::ForwardCheck | Part::VoteWait => towards(Color32::WHITE, 0.65),
            Part::Protocol | Part::Offline => towards(Color32::BLACK, 0.2),
            Part::Aggregation => towards(Color32::WHITE, 0.3),
        }
    }
}

/// Contrast of two colours, 1 to 21 (WCAG 2.1).
#[cfg(test)]
fn contrast(a: Color32, b: Color32) -> f32 {
    let luminance = |c: Color32| {
        let linear = |v: u8| {
            let v = f32::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b())
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_be_read_on_what_it_stands_on() {
        for t in [DARK, LIGHT] {
            for ground in [t.panel, t.raised, t.sea] {
                let runs = (0..7).map(|lane| t.lane(lane));
                for text in [t.ink, t.faint, t.warning, t.error, t.good, t.accent].into_iter().chain(runs) {
                    assert!(
                        contrast(text, ground) >= 4.5,
                        "{text:?} on {ground:?}: {}",
                        contrast(text, ground)
                    );
                }
            }
            assert!(contrast(t.on_accent, t.accent) >= 4.5);
        }
    }

    #[test]
    fn states_can_be_told_from_the_ground_they_are_drawn_on() {
        for t in [DARK, LIGHT] {
            for state in [t.arrived, t.executed, t.voted, t.finalised] {
                assert!(contrast(state, t.land) >= 2.0, "{state:?}: {}", contrast(state, t.land));
            }
        }
    }
}
