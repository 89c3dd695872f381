//! The bar at the bottom: play, step, speed, and the timeline.

use super::App;
use crate::command::Command;
use crate::format;
use crate::theme::{Tokens, size};
use crate::worker::Speed;
use eframe::egui::{
    Align, Button, Frame, Layout, Margin, Panel, ProgressBar, RichText, Shape, Slider, Ui, pos2, vec2,
};

/// Height of the bar.
const HEIGHT: f32 = 104.0;
/// Position of the speed slider that means no limit, decimal exponent.
const UNLIMITED: f64 = 3.35;

impl App {
    /// Draws the bar; its height.
    pub(super) fn transport_bar(
        &mut self,
        ui: &mut Ui,
        tokens: &'static Tokens,
        commands: &mut Vec<Command>,
    ) -> f32 {
        let frame =
            Frame::new().fill(tokens.panel).inner_margin(Margin { left: 14, right: 14, top: 7, bottom: 6 });
        Panel::bottom("transport").exact_size(HEIGHT).frame(frame).show_separator_line(false).show(
            ui,
            |ui| {
                ui.horizontal(|ui| {
                    self.buttons(ui, tokens, commands);
                    ui.add_space(14.0);
                    let time = RichText::new(format::clock(self.session.shown_ns())).monospace().size(17.0);
                    ui.add_sized([92.0, 24.0], eframe::egui::Label::new(time.color(tokens.ink)));
                    ui.add_space(10.0);
                    self.speed(ui, tokens);
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        self.state(ui, tokens, commands)
                    });
                });
                ui.add_space(3.0);
                self.timeline.show(ui, &mut self.session, tokens);
            },
        );
        HEIGHT
    }

    fn buttons(&self, ui: &mut Ui, tokens: &Tokens, commands: &mut Vec<Command>) {
        ui.spacing_mut().item_spacing.x = 4.0;
        let playing = self.session.frame.playing;
        let row = [
            (Command::ToStart, Icon::Start),
            (Command::BlockBack, Icon::Back),
            (Command::PlayPause, if playing { Icon::Pause } else { Icon::Play }),
            (Command::EventForward, Icon::Event),
            (Command::BlockForward, Icon::Block),
        ];
        for (command, icon) in row {
            let main = command == Command::PlayPause;
            let name = match (command, playing) {
                (Command::PlayPause, true) => "Pause",
                (Command::PlayPause, false) => "Play",
                _ => command.info().name,
            };
            let wide = if main { 46.0 } else { 34.0 };
            let fill = if main { tokens.accent } else { tokens.raised };
            let button = Button::new("").min_size(vec2(wide, 30.0)).fill(fill);
            let response = ui.add_enabled(command.is_enabled(self), button);
            response.widget_info(|| {
                eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Button, ui.is_enabled(), name)
            });
            let colour = if main { tokens.on_accent } else { tokens.ink };
            icon.paint(ui, response.rect, if response.enabled() { colour } else { tokens.faint });
            let keys = command.keys_text(ui.ctx());
            if response.on_hover_text(format!("{name}   {keys}")).clicked() {
                commands.push(command);
            }
        }
    }

    fn speed(&mut self, ui: &mut Ui, tokens: &Tokens) {
        let speed = self.session.speed();
        let mut exponent = match speed {
            Speed::Times(times) => times.log10(),
            Speed::Unlimited => UNLIMITED,
        };
        ui.label(RichText::new("Speed").color(tokens.faint));
        ui.spacing_mut().slider_width = 170.0;
        let slider = Slider::new(&mut exponent, -3.0..=UNLIMITED).show_value(false);
        let response = ui.add(slider).on_hover_text("Simulated seconds a second, from 1/1000 to no limit");
        response.widget_info(|| eframe::egui::WidgetInfo::slider(true, exponent, "Speed"));
        if response.changed() {
            let snapped = if exponent.abs() < 0.06 { 0.0 } else { exponent };
            let speed =
                if snapped > 3.15 { Speed::Unlimited } else { Speed::Times(10f64.powf(snapped.min(3.0))) };
            self.session.set_speed(speed);
        }
        ui.label(RichText::new(speed.text()).color(tokens.ink));
    }

    /// What goes on: progress, speed reached, digest.
    fn state(&mut self, ui: &mut Ui, tokens: &Tokens, commands: &mut Vec<Command>) {
        let frame = std::sync::Arc::clone(&self.session.frame);
        if let Some(busy) = &frame.busy {
            if ui.button("Cancel").clicked() {
                commands.push(Command::Cancel);
            }
            match busy.share {
                Some(share) => {
                    let bar = ProgressBar::new(share).desired_width(180.0).text(busy.what);
                    ui.add(bar);
                }
                None => {
                    ui.label(RichText::new(busy.what).color(tokens.ink));
                    ui.spinner();
                }
            }
            return;
        }
        let (name, digest, meaning) = match frame.outcomes.first() {
            Some(digest) => ("digest", digest.clone(), "What came of the run, as `headless run` prints it"),
            None => {
                let state = frame.snapshot.digest.to_string();
                ("state", state, "Hash of all nodes' histories so far; the run's own digest comes at its end")
            }
        };
        let short = &digest[..digest.len().min(12)];
        let text = RichText::new(format!("{name} {short}")).monospace().size(size::SMALL).color(tokens.faint);
        ui.label(text).on_hover_text(format!("{meaning}: {digest}"));
        if let Some((at_ns, equal)) = frame.verified {
            let (mark, colour) =
                if equal { ("replay equal", tokens.good) } else { ("replay differs", tokens.error) };
            let text = RichText::new(mark).size(size::SMALL).color(colour);
            ui.label(text)
                .on_hover_text(format!("Digest compared with the first visit at {}", format::clock(at_ns)));
        }
        if frame.playing {
            let text = format!("{} events/s · {:.2}x", format::prefixed(frame.events_per_s), frame.achieved);
            ui.label(RichText::new(text).size(size::SMALL).color(tokens.faint));
        }
    }
}

/// Pictures on the buttons.
#[derive(Clone, Copy)]
enum Icon {
    Play,
    Pause,
    Start,
    Back,
    Event,
    Block,
}

impl Icon {
    fn paint(self, ui: &Ui, rect: eframe::egui::Rect, colour: eframe::egui::Color32) {
        let c = rect.center();
        let painter = ui.painter();
        let triangle = |x: f32, turn: f32, s: f32| {
            let points = vec![
                pos2(x - 0.5 * s * turn, c.y - s * 0.62),
                pos2(x + 0.6 * s * turn, c.y),
                pos2(x - 0.5 * s * turn, c.y + s * 0.62),
            ];
            painter.add(Shape::convex_polygon(points, colour, eframe::egui::Stroke::NONE));
        };
        let bar = |x: f32, w: f32, h: f32| {
            let r = eframe::egui::Rect::from_center_size(pos2(x, c.y), vec2(w, h));
            painter.rect_filled(r, 1, colour);
        };
        match self {
            Self::Play => triangle(c.x, 1.0, 13.0),
            Self::Pause => {
                bar(c.x - 4.0, 4.0, 14.0);
                bar(c.x + 4.0, 4.0, 14.0);
            }
            Self::Start => {
                bar(c.x - 6.0, 2.0, 11.0);
                triangle(c.x + 2.0, -1.0, 10.0);
            }
            Self::Back => {
                triangle(c.x - 3.0, -1.0, 9.0);
                triangle(c.x + 4.0, -1.0, 9.0);
            }
            Self::Event => {
                triangle(c.x - 2.0, 1.0, 9.0);
                bar(c.x + 5.0, 1.6, 10.0);
            }
            Self::Block => {
                triangle(c.x - 4.0, 1.0, 9.0);
                triangle(c.x + 3.0, 1.0, 9.0);
            }
        }
    }
}
