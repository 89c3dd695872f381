//! Colours, sizes and fonts.
//!
//! Colours keep apart under the common colour-vision deficiencies: arms and regions are Paul Tol's "muted"
//! scheme led by near-black, resources are one hue each (blue, violet, green, orange, grey) and the parts of
//! a resource differ in lightness, so that a stack still reads in greyscale. Lines also differ by dash.

use crate::observe::record::{Part, Resource};

/// Background of a figure.
pub const BACKGROUND: &str = "#ffffff";
/// Text and the first series.
pub const INK: &str = "#1f2933";
/// Secondary text.
pub const FAINT_INK: &str = "#5b6875";
/// Grid lines.
pub const GRID: &str = "#e4e8ec";
/// Axis lines.
pub const AXIS: &str = "#9aa5b1";
/// Fill of an area that only sets the scene.
pub const SHADE: &str = "#f3f5f7";
/// Lines that are limits rather than data.
pub const LIMIT: &str = "#b3261e";
/// Fonts, most wanted first.
pub const FONT: &str = "Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif";
/// Width of every figure, user units.
pub const WIDTH: f64 = 880.0;
/// Size of a figure's title.
pub const TITLE_SIZE: f64 = 18.0;
/// Size of labels.
pub const TEXT_SIZE: f64 = 13.0;
/// Size of tick labels.
pub const TICK_SIZE: f64 = 12.0;

const SERIES: [&str; 10] =
    [INK, "#cc6677", "#117733", "#4477aa", "#ddaa33", "#882255", "#44aa99", "#999933", "#aa4499", "#88ccee"];
const DASHES: [&str; 3] = ["", "7 3", "2 3"];

/// Colour of the n-th arm or region.
pub fn series_colour(n: usize) -> &'static str {
    SERIES[n % SERIES.len()]
}

/// Dash pattern of the n-th arm or region: changes when colours start to repeat.
pub fn series_dash(n: usize) -> &'static str {
    DASHES[n / SERIES.len() % DASHES.len()]
}

/// Colour of a resource.
pub fn resource_colour(resource: Resource) -> &'static str {
    match resource {
        Resource::Uplink => "#1f6fb2",
        Resource::Downlink => "#8a6bbf",
        Resource::Latency => "#1b9e77",
        Resource::Execution => "#d95f02",
        Resource::Protocol => "#7f7f7f",
    }
}

/// Colour of a part: the hue of its resource, in a lightness of its own.
pub fn part_colour(part: Part) -> &'static str {
    match part {
        Part::LeaderWait => "#4d4d4d",
        Part::Build => "#f6b27a",
        Part::SerialisationUp => "#0b4f8a",
        Part::SerialisationDown => "#5b3f96",
        Part::QueueUp => "#62a8dc",
        Part::QueueDown => "#b9a5dd",
        Part::Propagation => "#1b9e77",
        Part::ForwardCheck => "#fbdcbf",
        Part::Protocol => "#777777",
        Part::CpuWait => "#8f3d00",
        Part::Execution => "#e06c10",
        Part::VoteWait => "#a3a3a3",
        Part::Aggregation => "#cfcfcf",
        Part::Offline => "#1a1a1a",
    }
}

/// Stops of the sequential scale, dark (low) to light (high): cividis.
const SEQUENTIAL: [[u8; 3]; 6] =
    [[0, 34, 78], [53, 69, 108], [102, 105, 112], [148, 142, 119], [200, 184, 102], [254, 232, 56]];

/// Colour of a share from 0 (dark blue) to 1 (yellow).
pub fn sequential(share: f64) -> String {
    let at = share.clamp(0.0, 1.0) * (SEQUENTIAL.len() - 1) as f64;
    let low = (at.floor() as usize).min(SEQUENTIAL.len() - 2);
    let within = at - low as f64;
    let mix = |i: usize| {
        let (a, b) = (f64::from(SEQUENTIAL[low][i]), f64::from(SEQUENTIAL[low + 1][i]));
        (a + (b - a) * within).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
}

/// Estimated width of a text in the fonts above, user units; errs on the wide side.
pub fn text_width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | 'f' | 't' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|' | '(' | ')'
        | '-' => 0.36,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.88,
        c if c.is_ascii_uppercase() => 0.7,
        c if c.is_ascii() => 0.575,
        _ => 0.7,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// The text, cut short with an ellipsis where it would be wider than `width`.
pub fn shortened(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        short.push(c);
        if text_width(&short, size) > width - size {
            short.pop();
            break;
        }
    }
    format!("{}…", short.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_shortened_to_fit() {
        assert_eq!(shortened("base", 13.0, 100.0), "base");
        let short = shortened("bandwidth x4 and a lighter workload", 13.0, 100.0);
        assert!(short.starts_with("bandwidth") && short.ends_with('…'), "{short}");
        assert!(text_width(&short, 13.0) <= 100.0);
    }

    #[test]
    fn the_sequential_scale_runs_from_dark_to_light() {
        assert_eq!(sequential(0.0), "#00224e");
        assert_eq!(sequential(1.0), "#fee838");
        assert_eq!(sequential(-1.0), sequential(0.0));
    }
}
