//! The knobs: every slider is an intervention, made when it is let go, taken back with undo.

use super::{Cx, Panel, nothing};
use crate::change::{Algorithm, Change, Levels, ONE_PPM, Scope, at_node, region_name, words};
use crate::command::Command;
use crate::format;
use crate::theme::{Tokens, size};
use eframe::egui::{
    Align, Button, ComboBox, Label, Layout, Response, RichText, ScrollArea, Slider, Ui, WidgetInfo, vec2,
};
use sim_core::scenario::plan::Plan;

/// The knobs.
#[derive(Default)]
pub struct Controls {
    /// The knob that is being turned, and where it stands.
    turning: Option<(&'static str, f64)>,
    /// Region of the regional knobs.
    region: Option<usize>,
}

/// A slider on a logarithmic scale.
struct Knob<'a> {
    name: &'static str,
    /// Value in force.
    value: f64,
    range: (f64, f64),
    /// The value as one would say it.
    text: &'a dyn Fn(f64) -> String,
    whole: bool,
}

/// Range of a factor.
const FACTOR: (f64, f64) = (0.05, 20.0);

impl Panel for Controls {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let Some(plan) = cx.session.plan().cloned().filter(|_| cx.session.is_ready()) else {
            nothing(ui, tokens, "");
            return;
        };
        let frame = std::sync::Arc::clone(&cx.session.frame);
        let levels = Levels::at(&plan, &frame.interventions, frame.snapshot.now_ns);
        let mut draft = None;
        let mut made = Vec::new();
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            if cx.session.comparison.is_some() {
                let text = "Knobs stay as they are while runs are compared.";
                ui.add(Label::new(RichText::new(text).size(size::SMALL).color(tokens.warning)).wrap());
                ui.disable();
            }
            self.network(ui, tokens, &plan, &levels, &mut draft, &mut made);
            ui.add_space(size::GAP);
            self.execution(ui, tokens, &plan, &levels, &mut draft, &mut made);
            ui.add_space(size::GAP);
            self.demand(ui, tokens, &plan, &levels, &mut draft, &mut made);
            ui.add_space(size::GAP);
            self.regions(ui, tokens, &plan, &levels, &mut draft, &mut made);
            ui.add_space(size::GAP);
            self.node(ui, cx, &frame, &mut draft, &mut made);
            history(ui, tokens, &plan, cx.commands, &frame);
        });
        cx.session.draft = draft;
        made.into_iter().for_each(|change| cx.session.apply(change));
    }
}

type Draft = Option<Change>;

impl Controls {
    fn network(
        &mut self,
        ui: &mut Ui,
        tokens: &Tokens,
        plan: &Plan,
        levels: &Levels,
        draft: &mut Draft,
        made: &mut Vec<Change>,
    ) {
        title(ui, tokens, "Wires");
        let first = plan.nodes.hardware.first().map_or(0, |(c, _)| c.up_bps) as f64;
        let scale = plan.network.bandwidth_scale_ppm as f64 / 1e6;
        let rate = |f: f64| format!("{}  {}", times(f), format::bits_per_s((first * scale * f) as u64));
        let knob = Knob {
            name: "Bandwidth",
            value: ppm(levels.bandwidth_ppm),
            range: FACTOR,
            text: &rate,
            whole: false,
        };
        self.turn(ui, tokens, &knob, draft, made, |f| Change::Bandwidth {
            of: Scope::All,
            factor_ppm: to_ppm(f),
        });
        let knob = Knob {
            name: "Latency",
            value: ppm(levels.latency_ppm),
            range: (0.1, 10.0),
            text: &times,
            whole: false,
        };
        self.turn(ui, tokens, &knob, draft, made, |f| Change::Latency { factor_ppm: to_ppm(f) });
    }

    fn execution(
        &mut self,
        ui: &mut Ui,
        tokens: &Tokens,
        plan: &Plan,
        levels: &Levels,
        draft: &mut Draft,
        made: &mut Vec<Change>,
    ) {
        title(ui, tokens, "EVM");
        let knob = Knob {
            name: "Execution speed",
            value: ppm(levels.execution_ppm),
            range: FACTOR,
            text: &times,
            whole: false,
        };
        self.turn(ui, tokens, &knob, draft, made, |f| Change::ExecutionSpeed { factor_ppm: to_ppm(f) });
        let own = plan.nodes.hardware.first().map_or(1, |(c, _)| c.cores);
        let cores = f64::from(levels.cores.unwrap_or(own));
        let text = |c: f64| format!("{c:.0}");
        let knob = Knob { name: "Cores", value: cores, range: (1.0, 64.0), text: &text, whole: true };
        self.turn(ui, tokens, &knob, draft, made, |c| Change::Cores { cores: c as u32 });
        ui.add_space(2.0);
        ui.columns(2, |columns| {
            let both = [("serial", Algorithm::Serial), ("Block-STM", Algorithm::BlockStm)];
            for (column, (name, algorithm)) in columns.iter_mut().zip(both) {
                let chosen = levels.algorithm == Some(algorithm);
                let button = Button::selectable(chosen, name).min_size(vec2(column.available_width(), 22.0));
                if column.add(button).clicked() && !chosen {
                    made.push(Change::Algorithm(algorithm));
                }
            }
        });
    }

    fn demand(
        &mut self,
        ui: &mut Ui,
        tokens: &Tokens,
        plan: &Plan,
        levels: &Levels,
        draft: &mut Draft,
        made: &mut Vec<Change>,
    ) {
        let users = levels.rate_milli_tps > 0;
        if plan.chains.is_empty() {
            return;
        }
        title(ui, tokens, "Demand");
        let gas = |g: f64| format!("{}gas", format::prefixed(g));
        let knob = Knob {
            name: "Gas limit",
            value: levels.gas_limit as f64,
            range: (5e6, 2e9),
            text: &gas,
            whole: true,
        };
        ui.add_enabled_ui(users, |ui| {
            self.turn(ui, tokens, &knob, draft, made, |g| Change::GasLimit {
                gas: (g / 1e6).round().max(1.0) as u64 * 1_000_000,
            });
            let rate = levels.rate_milli_tps as f64 / 1e3;
            let text = |f: f64| format!("{}  {} tx/s", times(f), format::count((rate * f) as u64));
            let knob = Knob {
                name: "Load",
                value: ppm(levels.load_ppm),
                range: (0.05, 10.0),
                text: &text,
                whole: false,
            };
            self.turn(ui, tokens, &knob, draft, made, |f| Change::Load { factor_ppm: to_ppm(f) });
        });
    }

    fn regions(
        &mut self,
        ui: &mut Ui,
        tokens: &Tokens,
        plan: &Plan,
        levels: &Levels,
        draft: &mut Draft,
        made: &mut Vec<Change>,
    ) {
        let mut regions: Vec<(usize, u64)> =
            plan.nodes.region_weights.iter().copied().filter(|(_, w)| *w > 0).collect();
        regions.sort_by_key(|(region, weight)| (std::cmp::Reverse(*weight), *region));
        let Some(first) = regions.first() else { return };
        let region = *self.region.get_or_insert(first.0);
        ui.horizontal(|ui| {
            title(ui, tokens, "One region");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let down = levels.down.contains(&region);
                let text = if down { "Restore" } else { "Kill" };
                let colour = if down { tokens.good } else { tokens.error };
                if ui.add(Button::new(RichText::new(text).color(colour))).clicked() {
                    let of = Scope::Region(region);
                    made.push(if down { Change::Restore { of } } else { Change::Kill { of } });
                }
            });
        });
        let choice = ComboBox::from_id_salt("region")
            .selected_text(region_name(plan, region))
            .width(ui.available_width());
        let shown = choice.show_ui(ui, |ui| {
            for (index, _) in &regions {
                let down = if levels.down.contains(index) { " (down)" } else { "" };
                let name = format!("{}{down}", region_name(plan, *index));
                ui.selectable_value(&mut self.region, Some(*index), name);
            }
        });
        shown.response.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::ComboBox, true, "Region"));
        let value = levels.bandwidth_of.get(&region).copied().unwrap_or(levels.bandwidth_ppm);
        let knob =
            Knob { name: "Its bandwidth", value: ppm(value), range: FACTOR, text: &times, whole: false };
        let of = Scope::Region(region);
        self.turn(ui, tokens, &knob, draft, made, |f| Change::Bandwidth { of, factor_ppm: to_ppm(f) });
    }

    /// The node that is chosen, if one is.
    fn node(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        frame: &crate::worker::Frame,
        draft: &mut Draft,
        made: &mut Vec<Change>,
    ) {
        let tokens = cx.tokens;
        let placed = |node: u32| cx.session.placement()?.regions.get(node as usize).copied();
        let Some((node, region)) = cx.session.selection.node.and_then(|n| Some((n, placed(n)?))) else {
            return;
        };
        let (factor, down) = at_node(&frame.interventions, frame.snapshot.now_ns, node, usize::from(region));
        let of = Scope::Node(node);
        ui.horizontal(|ui| {
            title(ui, tokens, &format!("Node {node}"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let text = if down { "Restore node" } else { "Kill node" };
                let colour = if down { tokens.good } else { tokens.error };
                if ui.add(Button::new(RichText::new(text).color(colour))).clicked() {
                    made.push(if down { Change::Restore { of } } else { Change::Kill { of } });
                }
            });
        });
        let name = "Bandwidth of the node";
        let knob = Knob { name, value: ppm(factor), range: FACTOR, text: &times, whole: false };
        self.turn(ui, tokens, &knob, draft, made, |f| Change::Bandwidth { of, factor_ppm: to_ppm(f) });
        ui.add_space(size::GAP);
    }

    /// A slider: the change is a draft while it is dragged, and made when it is let go.
    fn turn(
        &mut self,
        ui: &mut Ui,
        tokens: &Tokens,
        knob: &Knob<'_>,
        draft: &mut Draft,
        made: &mut Vec<Change>,
        change: impl Fn(f64) -> Change,
    ) {
        let mut value = self.turning.filter(|(name, _)| *name == knob.name).map_or(knob.value, |(_, v)| v);
        let turning = (value - knob.value).abs() > 1e-9;
        ui.horizontal(|ui| {
            ui.label(RichText::new(knob.name).color(tokens.ink));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let colour = if turning { tokens.warning } else { tokens.faint };
                ui.add(Label::new(RichText::new((knob.text)(value)).size(size::SMALL).color(colour)));
            });
        });
        ui.spacing_mut().slider_width = ui.available_width();
        let (low, high) = (knob.range.0.min(knob.value), knob.range.1.max(knob.value));
        let slider = Slider::new(&mut value, low..=high).logarithmic(true).show_value(false);
        let response: Response = ui.add(slider);
        response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), value, knob.name));
        if knob.whole {
            value = value.round();
        } else if (value.log10()).abs() < 0.02 {
            value = 1.0;
        }
        if response.changed() {
            self.turning = Some((knob.name, value));
        }
        let held = response.dragged() || response.is_pointer_button_down_on();
        let mine = self.turning.filter(|(name, _)| *name == knob.name);
        if let Some((_, value)) = mine {
            let changed = (value - knob.value).abs() > 1e-9;
            if held {
                *draft = changed.then(|| change(value));
            } else {
                self.turning = None;
                if changed {
                    made.push(change(value));
                }
            }
        }
    }
}

/// What was changed, newest first, and the ways back.
fn history(
    ui: &mut Ui,
    tokens: &Tokens,
    plan: &Plan,
    commands: &mut Vec<Command>,
    frame: &crate::worker::Frame,
) {
    ui.horizontal(|ui| {
        title(ui, tokens, "Interventions");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for (command, enabled) in [(Command::Redo, frame.edits.1 > 0), (Command::Undo, frame.edits.0 > 0)]
            {
                let button = Button::new(RichText::new(command.info().name).size(size::SMALL));
                if ui.add_enabled(enabled, button).clicked() {
                    commands.push(command);
                }
            }
        });
    });
    if frame.interventions.is_empty() {
        let text = "None yet: turn a knob. Each is kept with its time, and can be taken back.";
        ui.add(Label::new(RichText::new(text).size(size::SMALL).color(tokens.faint)).wrap());
    }
    for made in frame.interventions.iter().rev().take(30) {
        let to_come = made.at_ns > frame.snapshot.now_ns;
        let text = format!("{}  {}", format::clock(made.at_ns), words(&made.change, plan));
        let colour = if to_come { tokens.faint } else { tokens.ink };
        ui.add(Label::new(RichText::new(text).size(size::SMALL).color(colour)).truncate());
    }
}

fn title(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.label(RichText::new(text).size(size::SMALL).color(tokens.faint).strong());
}

fn times(factor: f64) -> String {
    format!("{}x", format::three_digits(factor))
}

fn ppm(ppm: u64) -> f64 {
    ppm as f64 / ONE_PPM as f64
}

/// Three significant digits are enough for a slider.
fn to_ppm(factor: f64) -> u64 {
    let digits = 10f64.powf(factor.log10().floor() - 2.0);
    ((factor / digits).round() * digits * ONE_PPM as f64).round() as u64
}
