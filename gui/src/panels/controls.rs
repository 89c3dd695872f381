//! The knobs: every slider is an intervention, made when it is let go, taken back with undo.

use super::{Cx, Panel, nothing};
use crate::change::{Algorithm, Change, Levels, ONE_PPM, Scope, at_node, region_name, words};
use crate::command::Command;
use crate::export::Exportable;
use crate::format;
use crate::session::Session;
use crate::session::effect::{Effect, effect};
use crate::session::forecast::forecast;
use crate::theme::{Tokens, size};
use eframe::egui::{
    Align, Button, ComboBox, Label, Layout, Rect, Response, RichText, ScrollArea, Sense, Slider, Ui,
    WidgetInfo, pos2, vec2,
};
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::record::{Breakdown, Resource};
use sim_core::observe::verdict::by_resource;
use sim_core::scenario::plan::Plan;

/// The knobs.
#[derive(Default)]
pub struct Controls {
    /// The knob that is being turned, and where it stands.
    turning: Option<(&'static str, f64)>,
    /// Region of the regional knobs.
    region: Option<usize>,
    /// Where a block's time went of late, for what the knobs can reach.
    spent: Option<Breakdown>,
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
    /// Resources whose time it changes; none: it is not said.
    reach: &'static [Resource],
}

/// What a wider line shortens.
const LINES: &[Resource] = &[Resource::Uplink, Resource::Downlink];

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
        self.spent = cx.session.verdict().map(|v| v.spent);
        let mut draft = None;
        let mut made = Vec::new();
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            if cx.session.comparison.is_some() {
                let text = "Knobs stay as they are while runs are compared.";
                ui.add(Label::new(RichText::new(text).size(size::SMALL).color(tokens.warning)).wrap());
                ui.disable();
            }
            if let Some(spent) = &self.spent {
                let text = format!(
                    "A block takes {}; of that a knob can reach:",
                    format::duration(spent.total_ns())
                );
                ui.add(Label::new(RichText::new(text).size(size::SMALL).color(tokens.faint)).wrap());
                ui.add_space(4.0);
            }
            self.network(ui, tokens, &plan, &levels, &mut draft, &mut made);
            ui.add_space(size::GAP);
            self.execution(ui, tokens, &plan, &levels, &mut draft, &mut made);
            ui.add_space(size::GAP);
            self.demand(ui, tokens, &plan, &levels, &mut draft, &mut made);
            ui.add_space(size::GAP);
            self.regions(ui, tokens, &plan, &levels, &mut draft, &mut made);
            ui.add_space(size::GAP);
            self.node(ui, cx, (&frame, &levels), &mut draft, &mut made);
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
            reach: LINES,
        };
        self.turn(ui, tokens, (&knob, levels), draft, made, |f| Change::Bandwidth {
            of: Scope::All,
            factor_ppm: to_ppm(f),
        });
        let knob = Knob {
            name: "Latency",
            value: ppm(levels.latency_ppm),
            range: (0.1, 10.0),
            text: &times,
            whole: false,
            reach: &[Resource::Latency],
        };
        self.turn(ui, tokens, (&knob, levels), draft, made, |f| Change::Latency { factor_ppm: to_ppm(f) });
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
            reach: &[Resource::Execution],
        };
        self.turn(ui, tokens, (&knob, levels), draft, made, |f| Change::ExecutionSpeed {
            factor_ppm: to_ppm(f),
        });
        let own = plan.nodes.hardware.first().map_or(1, |(c, _)| c.cores);
        let cores = f64::from(levels.cores.unwrap_or(own));
        let text = |c: f64| format!("{c:.0}");
        let knob =
            Knob { name: "Cores", value: cores, range: (1.0, 64.0), text: &text, whole: true, reach: &[] };
        self.turn(ui, tokens, (&knob, levels), draft, made, |c| Change::Cores { cores: c as u32 });
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
            reach: &[],
        };
        ui.add_enabled_ui(users, |ui| {
            self.turn(ui, tokens, (&knob, levels), draft, made, |g| Change::GasLimit {
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
                reach: &[],
            };
            self.turn(ui, tokens, (&knob, levels), draft, made, |f| Change::Load { factor_ppm: to_ppm(f) });
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
        let knob = Knob {
            name: "Its bandwidth",
            value: ppm(value),
            range: FACTOR,
            text: &times,
            whole: false,
            reach: &[],
        };
        let of = Scope::Region(region);
        self.turn(ui, tokens, (&knob, levels), draft, made, |f| Change::Bandwidth {
            of,
            factor_ppm: to_ppm(f),
        });
    }

    /// The node that is chosen, if one is.
    fn node(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        (frame, levels): (&crate::worker::Frame, &Levels),
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
            title(ui, tokens, &format!("One node: {node}"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let text = if down { "Restore node" } else { "Kill node" };
                let colour = if down { tokens.good } else { tokens.error };
                if ui.add(Button::new(RichText::new(text).color(colour))).clicked() {
                    made.push(if down { Change::Restore { of } } else { Change::Kill { of } });
                }
            });
        });
        let name = "Bandwidth of the node";
        let knob = Knob { name, value: ppm(factor), range: FACTOR, text: &times, whole: false, reach: &[] };
        self.turn(ui, tokens, (&knob, levels), draft, made, |f| Change::Bandwidth {
            of,
            factor_ppm: to_ppm(f),
        });
        ui.add_space(size::GAP);
    }

    /// A slider: the change is a draft while it is dragged, and made when it is let go.
    fn turn(
        &mut self,
        ui: &mut Ui,
        tokens: &Tokens,
        (knob, levels): (&Knob<'_>, &Levels),
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
        let estimate = turning.then(|| self.estimate(levels, &change(value))).flatten();
        self.reach(ui, tokens, knob, estimate);
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

impl Controls {
    /// A block's time now and after a change, ns, as far as it can be estimated.
    fn estimate(&self, levels: &Levels, change: &Change) -> Option<(u64, u64)> {
        let spent = self.spent.as_ref()?;
        Some((spent.total_ns(), forecast(change, levels, spent)?.total_ns(spent)))
    }

    /// How much of a block's time a knob can reach; while it is turned, what that would do.
    fn reach(&self, ui: &mut Ui, tokens: &Tokens, knob: &Knob<'_>, estimate: Option<(u64, u64)>) {
        let Some(spent) = self.spent.as_ref().filter(|_| !knob.reach.is_empty()) else {
            if let Some(estimate) = estimate {
                ui.label(RichText::new(in_words(estimate)).size(size::SMALL).color(tokens.warning));
            }
            return;
        };
        let (sums, total) = (by_resource(spent), spent.total_ns().max(1) as f64);
        let share = |r: &Resource| sums[*r as usize] as f64 / total;
        let all: f64 = knob.reach.iter().map(share).sum();
        ui.horizontal(|ui| {
            let text = match estimate {
                Some(estimate) => in_words(estimate),
                None => format::percent(all),
            };
            let colour = if estimate.is_some() { tokens.warning } else { tokens.faint };
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let label = ui.label(RichText::new(text).size(size::SMALL).color(colour));
                label.on_hover_text(format!(
                    "{} of a block's time is what {} can change",
                    format::percent(all),
                    knob.name
                ));
                let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 5.0), Sense::hover());
                ui.painter().rect_filled(rect, 2, tokens.raised);
                let mut left = rect.left();
                for resource in knob.reach {
                    let width = rect.width() * share(resource) as f32;
                    let piece = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()));
                    ui.painter().rect_filled(piece, 2, tokens.resource(*resource));
                    left += width;
                }
            });
        });
    }
}

/// A time before and after, in words.
fn in_words((now_ns, then_ns): (u64, u64)) -> String {
    let change = then_ns as f64 / now_ns.max(1) as f64 - 1.0;
    format!("about {}, {}", format::duration(then_ns), signed(change))
}

/// A relative change: `-12 %`.
fn signed(change: f64) -> String {
    format!("{:+.0} %", change * 100.0).replace('-', "−")
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
    for (at, made) in frame.interventions.iter().enumerate().rev().take(30) {
        let to_come = made.at_ns > frame.snapshot.now_ns;
        let text = format!("{}  {}", format::clock(made.at_ns), words(&made.change, plan));
        let colour = if to_come { tokens.faint } else { tokens.ink };
        ui.add(Label::new(RichText::new(text).size(size::SMALL).color(colour)).truncate());
        if let Some(found) = effect(&frame.interventions, at, &frame.snapshot.blocks) {
            let mut text = format!(
                "    {} to {} ({}) in {}",
                format::duration(found.before_ns),
                format::duration(found.since_ns),
                signed(found.change()),
                format::plural(found.blocks as u64, "block"),
            );
            if !found.is_alike() {
                text += &format!("; but these hold {} gas: compare runs to be sure", signed(found.gas - 1.0));
            }
            let colour = match found.change() {
                c if c < -0.03 && found.is_alike() => tokens.good,
                c if c > 0.03 && found.is_alike() => tokens.error,
                _ => tokens.faint,
            };
            let label = Label::new(RichText::new(text).size(size::SMALL).color(colour)).wrap();
            ui.add(label).on_hover_text(
                "A block's time before the change and since, measured. Users go on meanwhile; a comparison \
                 (Ctrl+D) runs both at once on the same blocks.",
            );
        }
    }
}

impl Exportable for Controls {
    fn stem(&self) -> &'static str {
        "interventions"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        let (plan, frame) = (session.plan()?, &session.frame);
        let mut table =
            DataTable::new(["time (s)", "change", "block before (ms)", "block since (ms)", "blocks since"]);
        for (at, made) in frame.interventions.iter().enumerate() {
            let found = effect(&frame.interventions, at, &frame.snapshot.blocks);
            let ms = |ns: fn(&Effect) -> u64| Cell::maybe(found.as_ref().map(|e| ns(e) as f64 / 1e6));
            table.push(vec![
                Cell::Num(made.at_ns as f64 / 1e9),
                Cell::Text(words(&made.change, plan)),
                ms(|e| e.before_ns),
                ms(|e| e.since_ns),
                found.map_or(Cell::Empty, |e| Cell::Int(e.blocks as u64)),
            ]);
        }
        Some(table)
    }

    fn drawing(&self, _: &Session) -> Option<String> {
        None
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
