//! Colours, sizes and spacing: the only place where they are written down.
//!
//! Stages of a node and parts of a block's time were chosen to stay apart for every kind of colour vision; quantities
//! are on viridis; resources have the hues of the report's figures. Text keeps a contrast of at least 4.5 to 1
//! against what it stands on. Both are tested.

mod scales;
mod style;
#[cfg(test)]
mod vision;

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
    waiting: rgb(0x525c6b),
    arrived: rgb(0xe0951a),
    executed: rgb(0x72cfff),
    voted: rgb(0x1f9d5f),
    finalised: rgb(0xf8ea2e),
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
    arrived: rgb(0xe67e00),
    executed: rgb(0x205f96),
    voted: rgb(0x00a070),
    finalised: rgb(0x101825),
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

    /// Colour of a resource: that of its main part.
    pub fn resource(&self, resource: Resource) -> Color32 {
        self.part(match resource {
            Resource::Uplink => Part::SerialisationUp,
            Resource::Downlink => Part::SerialisationDown,
            Resource::Latency => Part::Propagation,
            Resource::Execution => Part::Execution,
            Resource::Protocol => Part::Protocol,
        })
    }

    /// Colour of a part: a hue for its resource, a lightness of its own. Found by search for the largest least
    /// distance between any two under normal and deficient colour vision.
    pub fn part(&self, part: Part) -> Color32 {
        let (dark, light) = match part {
            Part::SerialisationUp => (0x1b8bea, 0x3199fb),
            Part::QueueUp => (0x9fd2fa, 0xadd3fe),
            Part::SerialisationDown => (0x9941a1, 0x8c3397),
            Part::QueueDown => (0xb581b9, 0xae80bf),
            Part::Propagation => (0x16c588, 0x00885a),
            Part::Execution => (0xeb5900, 0xf77206),
            Part::Build => (0xfcbd5a, 0xe49e5c),
            Part::CpuWait => (0x6d3810, 0xac521c),
            Part::ForwardCheck => (0xf8e197, 0xeecca3),
            Part::LeaderWait => (0x7f8183, 0xc4c7ca),
            Part::VoteWait => (0x4c5158, 0x35373e),
            Part::Protocol => (0xafb3b9, 0x5f636a),
            Part::Aggregation => (0xe3e9f1, 0x8f959b),
            Part::Offline => (0xbd4c4c, 0x730015),
        };
        rgb(if self.dark { dark } else { light })
    }

    /// Colour of one of several runs: Okabe and Ito's, the first (the base) that of text.
    pub fn lane(&self, lane: usize) -> Color32 {
        const DARK: [u32; 6] = [0xe69f00, 0x56b4e9, 0x00b386, 0xcc79a7, 0xf0e442, 0xe8703a];
        const LIGHT: [u32; 6] = [0xa85500, 0x0072b2, 0x007353, 0xa8487f, 0x6b5900, 0x8a2be2];
        match lane.checked_sub(1) {
            None => self.ink,
            Some(arm) => rgb(if self.dark { DARK } else { LIGHT }[arm % DARK.len()]),
        }
    }

    /// Text in a resource's colour: moved towards the ink as far as it takes to be read on a panel.
    pub fn resource_text(&self, resource: Resource) -> Color32 {
        let base = self.resource(resource);
        let mixed = |share: u8| base.lerp_to_gamma(self.ink, f32::from(share) / 10.0);
        (0..=10).map(mixed).find(|c| contrast(*c, self.panel) >= 4.5).unwrap_or(self.ink)
    }
}

/// A colour as figures outside the window write it: `#1b8bea`.
pub fn hex(colour: Color32) -> String {
    format!("#{:02x}{:02x}{:02x}", colour.r(), colour.g(), colour.b())
}

/// Contrast of two colours, 1 to 21 (WCAG 2.1).
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
            for resource in Resource::ALL {
                assert!(contrast(t.resource_text(resource), t.panel) >= 4.5, "{resource:?}");
            }
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
