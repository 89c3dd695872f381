//! The window: bars at the top and bottom, panels between, notices and the palette on top.

mod headline;
mod menu;
mod shortcuts;
mod timeline;
#[cfg(test)]
mod tests;
mod transport;

use crate::command::Command;
use crate::export::{self, Form, Pictures};
use crate::files::Files;
use crate::layout::{self, Layout};
use crate::notice::Notices;
use crate::palette::{Entry, Palette};
use crate::panels::Cx;
use crate::results::Results;
use crate::session::{Focus, Session};
use crate::settings::{self, Settings};
use crate::theme::{self, Tokens};
use crate::worker::Limits;
use eframe::egui::{CentralPanel, Context, Frame, Ui};
use std::path::Path;
use std::time::Duration;

/// Names the folder in which things are remembered between starts.
pub const NAME: &str = "lightcone";

/// The app.
pub struct App {
    /// The running simulation.
    pub(crate) session: Session,
    /// Finished result folders.
    pub(crate) results: Results,
    /// Scenario files: what is open as text.
    pub(crate) files: Files,
    /// Settings.
    pub(crate) settings: Settings,
    /// Notifications.
    pub(crate) notices: Notices,
    /// Command palette.
    pub(crate) palette: Palette,
    /// All keys are shown.
    pub(crate) shortcuts: bool,
    /// What the window's title says.
    pub(crate) title: String,
    layout: Layout,
    timeline: timeline::Timeline,
    pictures: Pictures,
}

impl App {
    /// The app with what was remembered.
    pub fn new(creation: &eframe::CreationContext<'_>) -> Self {
        let load = |storage: &dyn eframe::Storage| {
            let settings = eframe::get_value(storage, settings::KEY).unwrap_or_default();
            let numbers = eframe::get_value(storage, layout::NUMBERS_KEY).unwrap_or_default();
            (settings, eframe::get_value(storage, layout::KEY), numbers)
        };
        let (settings, tree, numbers) = creation.storage.map(load).unwrap_or_default();
        let mut app = Self::with(&creation.egui_ctx, settings, Layout::new(tree, numbers));
        // Where nothing is remembered, nothing is kept for the case of a crash.
        if creation.storage.is_some()
            && let Some(folder) = eframe::storage_dir(NAME)
        {
            app.recover_from(&folder.join("recovery"));
        }
        app
    }

    /// The app with nothing remembered, in a context of the caller's own: for tests and measurements.
    pub fn in_context(context: &Context) -> Self {
        Self::with(context, Settings::default(), Layout::new(None, Default::default()))
    }

    /// The simulation has something to show.
    pub fn is_ready(&self) -> bool {
        self.session.is_ready() && self.session.frame.busy.is_none()
    }

    /// Sets how fast time passes: simulated seconds a second; infinite: no limit.
    pub fn set_speed(&mut self, times: f64) {
        use crate::worker::Speed;
        self.session.set_speed(if times.is_finite() { Speed::Times(times) } else { Speed::Unlimited });
    }

    /// Simulated time reached and the end, ns.
    pub fn times_ns(&self) -> (u64, u64) {
        (self.session.frame.now_ns, self.session.frame.snapshot.end_ns)
    }

    /// What saved states hold, bytes.
    pub fn checkpoint_bytes(&self) -> u64 {
        self.session.frame.checkpoint_bytes
    }

    /// Runs the arms of the open scenario beside its base.
    pub fn compare_arms(&mut self) {
        let arms = self.session.opened.as_ref().map(|o| o.scenario.arms.clone()).unwrap_or_default();
        self.session.compare(arms);
    }

    fn with(context: &Context, settings: Settings, layout: Layout) -> Self {
        theme::apply(context);
        settings.apply(context);
        let wake = context.clone();
        let session = Session::new(Limits::default(), move || wake.request_repaint());
        let wake = context.clone();
        Self {
            session,
            results: Results::default(),
            files: Files::new(move || wake.request_repaint()),
            settings,
            notices: Notices::default(),
            palette: Palette::default(),
            shortcuts: false,
            title: String::new(),
            layout,
            timeline: timeline::Timeline::default(),
            pictures: Pictures::default(),
        }
    }

    /// Keeps unsaved work in `folder`, and offers what other windows have left there.
    pub(crate) fn recover_from(&mut self, folder: &Path) {
        if let Err(why) = self.files.recover_from(folder) {
            self.notices.warning(format!("Unsaved work cannot be kept for the case of a crash: {why}"));
        }
    }

    /// Brings a panel to the front.
    pub(crate) fn reveal(&mut self, panel: &str) {
        self.layout.reveal(panel);
    }

    /// Puts a panel into the window, behind others.
    pub(crate) fn offer_panel(&mut self, panel: &str) {
        self.layout.offer(panel);
    }

    /// Puts a panel into the window, or takes it out.
    pub(crate) fn toggle_panel(&mut self, panel: &str) {
        self.layout.toggle(panel);
    }

    /// Reads a finished result folder, in the background.
    pub fn open_results(&mut self, folder: &Path, context: &Context) {
        let context = context.clone();
        self.results.open(folder, move || context.request_repaint());
        self.layout.reveal("results");
    }

    /// Reads a finished sweep, in the background.
    pub fn open_sweep(&mut self, folder: &Path) {
        self.session.wanted_sweep = Some(folder.to_owned());
        self.layout.reveal("sweep");
    }

    /// Takes a picture of the window.
    pub(crate) fn export_picture(&mut self) {
        self.pictures.take("window.png", None);
    }

    /// Writes the drawings and numbers of all panels in the window.
    pub(crate) fn export_all(&mut self) {
        let folder = export::folder(self.files.document.path.as_deref());
        let files =
            [Form::Svg, Form::Csv].into_iter().flat_map(|form| self.layout.documents(&self.session, form));
        let written: Result<Vec<_>, _> =
            files.map(|(name, bytes)| export::write(&folder, &name, &bytes)).collect();
        self.notices.written(written.map(|files| format!("{} files in {}", files.len(), folder.display())));
    }

    /// Shows the numbers beside all plots, or none.
    pub(crate) fn toggle_numbers(&mut self) {
        self.layout.toggle_all_numbers();
    }

    /// Puts all panels back.
    pub(crate) fn reset_layout(&mut self) {
        self.layout.reset();
    }

    /// Draws everything.
    pub fn show(&mut self, ui: &mut Ui) {
        let context = ui.ctx().clone();
        let tokens = Tokens::of(ui);
        self.session.update(context.input(|i| i.stable_dt), &mut self.notices);
        self.results.update(&mut self.notices);
        self.update_files(&context);
        let chosen = self.session.selection.clone();
        let mut commands = Command::pressed(&context, self.palette.is_open());
        self.menu_bar(ui, tokens, &mut commands);
        self.headline(ui, tokens);
        let bottom = self.transport_bar(ui, tokens, &mut commands);
        let frame = Frame::new().fill(tokens.window).inner_margin(5);
        CentralPanel::default().frame(frame).show(ui, |ui| {
            let mut cx = Cx {
                session: &mut self.session,
                results: &mut self.results,
                files: &mut self.files,
                settings: &mut self.settings,
                notices: &mut self.notices,
                commands: &mut commands,
                pictures: &mut self.pictures,
                tokens,
            };
            self.layout.compare(cx.session.comparison.is_some());
            self.layout.show(ui, &mut cx);
        });
        let now = &self.session.selection;
        let same =
            (now.node, now.link) == (chosen.node, chosen.link) && now.nodes.len() == chosen.nodes.len();
        if !same && now.focus != Focus::Block {
            self.layout.reveal("inspector");
        }
        for taken in self.pictures.update(&context) {
            let written = taken.and_then(|(name, bytes)| {
                export::write(&export::folder(self.files.document.path.as_deref()), &name, &bytes)
                    .map(|path| path.display().to_string())
            });
            self.notices.written(written);
        }
        let entries: Vec<Entry> = Command::listed(self)
            .into_iter()
            .map(|c| Entry { command: c, title: c.title(self), enabled: c.is_enabled(self) })
            .collect();
        commands.extend(self.palette.show(&context, tokens, &entries));
        self.show_files(&context, tokens);
        self.show_shortcuts(&context, tokens);
        self.notices.show(&context, tokens, bottom);
        for command in commands {
            command.run(self, &context);
        }
        if self.session.is_moving() {
            context.request_repaint();
        } else {
            let soon = if self.files.is_waiting() { 100 } else { 500 };
            context.request_repaint_after(Duration::from_millis(soon));
        }
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.show(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, settings::KEY, &self.settings);
        eframe::set_value(storage, layout::KEY, self.layout.tree());
        eframe::set_value(storage, layout::NUMBERS_KEY, self.layout.with_numbers());
    }
}
