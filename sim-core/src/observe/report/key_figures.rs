//! The table of key figures: a row per quantity, a column per arm, changes against the base.

use crate::observe::analysis::Analysis;
use crate::observe::format::{
    change, count, duration_or_never, escape, percent, prefixed, signed_duration, three_digits,
};
use crate::observe::measure::ArmSummary;
use crate::observe::record::Group;
use crate::observe::stats::relative_change;
use std::fmt::Write;

/// Whether more or less is better, for colouring changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    Less,
    More,
    Neither,
}

/// A row: name, value as text, value as a number for the change.
struct Quantity {
    name: &'static str,
    better: Better,
    text: fn(&ArmSummary) -> String,
    number: fn(&ArmSummary) -> Option<f64>,
}

fn ns(value: Option<u64>) -> Option<f64> {
    value.map(|v| v as f64)
}

const QUANTITIES: [Quantity; 22] = [
    Quantity {
        name: "p95 from slot start to verified",
        better: Better::Less,
        text: |a| duration_or_never(a.to_verified.p95_ns),
        number: |a| ns(a.to_verified.p95_ns),
    },
    Quantity {
        name: "median to verified",
        better: Better::Less,
        text: |a| duration_or_never(a.to_verified.p50_ns),
        number: |a| ns(a.to_verified.p50_ns),
    },
    Quantity {
        name: "p95 to arrived",
        better: Better::Less,
        text: |a| duration_or_never(a.to_arrived.p95_ns),
        number: |a| ns(a.to_arrived.p95_ns),
    },
    Quantity {
        name: "p95 to final",
        better: Better::Less,
        text: |a| duration_or_never(a.to_final.p95_ns),
        number: |a| ns(a.to_final.p95_ns),
    },
    Quantity {
        name: "gas per second",
        better: Better::More,
        text: |a| format!("{}gas/s", prefixed(a.gas_per_second)),
        number: |a| Some(a.gas_per_second),
    },
    Quantity {
        name: "transactions per second",
        better: Better::More,
        text: |a| three_digits(a.transactions_per_second),
        number: |a| Some(a.transactions_per_second),
    },
    Quantity {
        name: "gas used over gas limit",
        better: Better::Neither,
        text: |a| percent(a.gas_utilisation),
        number: |a| Some(a.gas_utilisation),
    },
    Quantity {
        name: "user waits for inclusion, median",
        better: Better::Less,
        text: |a| duration_or_never(a.user_included.p50_ns),
        number: |a| ns(a.user_included.p50_ns),
    },
    Quantity {
        name: "user waits for inclusion, p95",
        better: Better::Less,
        text: |a| duration_or_never(a.user_included.p95_ns),
        number: |a| ns(a.user_included.p95_ns),
    },
    Quantity {
        name: "user waits for finality, median",
        better: Better::Less,
        text: |a| duration_or_never(a.user_final.p50_ns),
        number: |a| ns(a.user_final.p50_ns),
    },
    Quantity {
        name: "missed or late votes",
        better: Better::Less,
        text: |a| percent(a.missed_votes_share),
        number: |a| Some(a.missed_votes_share),
    },
    Quantity {
        name: "stale blocks",
        better: Better::Less,
        text: |a| percent(a.stale_share),
        number: |a| Some(a.stale_share),
    },
    Quantity {
        name: "goodput of a node (blocks, first copies)",
        better: Better::Neither,
        text: |a| format!("{}bit/s", prefixed(a.goodput_bps)),
        number: |a| Some(a.goodput_bps),
    },
    Quantity {
        name: "received by a node (everything)",
        better: Better::Neither,
        text: |a| format!("{}bit/s", prefixed(a.received_bps)),
        number: |a| Some(a.received_bps),
    },
    Quantity {
        name: "duplicates per delivered item",
        better: Better::Less,
        text: |a| three_digits(a.duplicates_per_item),
        number: |a| Some(a.duplicates_per_item),
    },
    Quantity {
        name: "neighbours in a node's mesh, mean",
        better: Better::Neither,
        text: |a| a.mesh_degree.map_or_else(|| "no mesh".to_owned(), three_digits),
        number: |a| a.mesh_degree,
    },
    Quantity {
        name: "uplink busy, mean",
        better: Better::Neither,
        text: |a| percent(a.uplink_utilisation),
        number: |a| Some(a.uplink_utilisation),
    },
    Quantity {
        name: "cores executing, mean",
        better: Better::Neither,
        text: |a| percent(a.execution_utilisation),
        number: |a| Some(a.execution_utilisation),
    },
    Quantity {
        name: "burst: unrelated pay, over before",
        better: Better::Less,
        text: |a| spill_over(a, Group::Unrelated).map_or_else(|| "unknown".to_owned(), three_digits),
        number: |a| spill_over(a, Group::Unrelated),
    },
    Quantity {
        name: "burst: bursting pay, over before",
        better: Better::Neither,
        text: |a| spill_over(a, Group::Hot).map_or_else(|| "unknown".to_owned(), three_digits),
        number: |a| spill_over(a, Group::Hot),
    },
    Quantity {
        name: "burst: unrelated included in time",
        better: Better::More,
        text: |a| included(a).map_or_else(|| "unknown".to_owned(), percent),
        number: included,
    },
    Quantity {
        name: "bottleneck",
        better: Better::Neither,
        text: |a| {
            let name = |(resource, share): (crate::observe::record::Resource, f64)| {
                format!("{} ({})", resource.name(), percent(share))
            };
            a.verdict.leader().map_or_else(|| "none".to_owned(), name)
        },
        number: |_| None,
    },
];

/// Median price a group paid in the burst over that before.
fn spill_over(arm: &ArmSummary, group: Group) -> Option<f64> {
    arm.burst.as_ref()?.of(group)?.spill_over
}

/// Share of the unrelated transactions of the burst that were included in time.
fn included(arm: &ArmSummary) -> Option<f64> {
    Some(arm.burst.as_ref()?.of(Group::Unrelated)?.burst.inclusion)
}

/// The table in HTML. Rows without any value in any arm are left out.
pub fn table(analysis: &Analysis) -> String {
    let mut html = String::from("<div class=\"scroll\"><table class=\"key\"><thead><tr><th></th>");
    for arm in &analysis.arms {
        let _ = write!(html, "<th>{}</th>", escape(&arm.name));
    }
    html.push_str("</tr></thead><tbody>\n");
    for (n, quantity) in QUANTITIES.iter().enumerate() {
        let present = analysis.arms.iter().any(|a| (quantity.number)(a).is_some_and(|v| v != 0.0));
        if !present && n > 0 && quantity.name != "bottleneck" {
            continue;
        }
        let class = if n == 0 { " class=\"head\"" } else { "" };
        let _ = write!(html, "<tr{class}><td>{}</td>", quantity.name);
        let base = analysis.arms.first().and_then(|a| (quantity.number)(a));
        for (n, arm) in analysis.arms.iter().enumerate() {
            let _ = write!(html, "<td>{}", escape(&(quantity.text)(arm)));
            if let (true, Some(base), Some(value)) = (n > 0, base, (quantity.number)(arm)) {
                html.push_str(&change_html(base, value, quantity.better));
            }
            html.push_str("</td>");
        }
        html.push_str("</tr>\n");
    }
    if !analysis.comparisons.is_empty() {
        html.push_str("<tr><td>block by block: p95 minus the base's, median (quartiles)</td><td></td>");
        for comparison in &analysis.comparisons {
            let text = comparison.paired.as_ref().map_or_else(
                || "no common block".to_owned(),
                |p| {
                    format!(
                        "{}<span class=\"change\">{} to {}; {} blocks</span>",
                        signed_duration(p.median_ns),
                        signed_duration(p.p25_ns),
                        signed_duration(p.p75_ns),
                        count(p.blocks)
                    )
                },
            );
            let _ = write!(html, "<td>{text}</td>");
        }
        html.push_str("</tr>\n");
    }
    html.push_str("<tr><td>samples behind p95 (of them never)</td>");
    for arm in &analysis.arms {
        let (samples, missing) = (count(arm.to_verified.samples), count(arm.to_verified.missing));
        let _ = write!(html, "<td>{samples} ({missing})</td>");
    }
    html.push_str("</tr>\n</tbody></table></div>\n");
    html
}

fn change_html(base: f64, value: f64, better: Better) -> String {
    let Some(relative) = relative_change(base, value) else { return String::new() };
    let text = change(relative);
    if relative == 0.0 {
        return String::new();
    }
    let class = match (better, text.as_str(), relative < 0.0) {
        (Better::Neither, _, _) | (_, "0 %", _) => "change",
        (Better::Less, _, true) | (Better::More, _, false) => "change better",
        _ => "change worse",
    };
    format!("<span class=\"{class}\">{text}</span>")
}
