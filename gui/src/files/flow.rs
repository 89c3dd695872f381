//! What the commands about files do, step by step: each step ends where something else has to answer first.

use super::check::Checked;
use super::chooser::{self, Outcome, Purpose};
use super::desk::Answer;
use super::disk::{self, Replace, Unwritten};
use super::question::{Intent, Question, Reply};
use super::shipped::{FIRST, Shipped};
use super::{follow, system, title};
use crate::app::App;
use crate::theme::Tokens;
use eframe::egui::{Context, ViewportCommand};
use sim_core::scenario::Scenario;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl App {
    /// Reads a scenario and runs it; what is wrong with it is shown at its line in the editor. Does not ask
    /// about unsaved work.
    pub fn open(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        self.files.reading = Some((path.clone(), self.files.document.version()));
        self.files.desk.ask(move || {
            let text = disk::read(&path).map(|text| {
                let checked = super::check::check(&text, &path);
                (text, checked)
            });
            Answer::Read { path, text }
        });
    }

    /// Opens the scenario for a first look. Does not ask about unsaved work.
    pub fn open_first(&mut self) {
        if let Some(shipped) = Shipped::named(FIRST) {
            self.carry_out(Intent::Shipped(shipped));
        }
    }

    /// Does it, once nothing can be lost by it.
    pub(crate) fn request(&mut self, intent: Intent) {
        if self.files.document.is_dirty() {
            self.files.question = Some(Question::Unsaved(intent));
        } else {
            self.carry_out(intent);
        }
    }

    fn carry_out(&mut self, intent: Intent) {
        match intent {
            Intent::Quit => self.files.closing = true,
            Intent::Open(path) => self.open(&path),
            Intent::Shipped(shipped) => {
                let text = shipped.text.to_owned();
                self.files.document.replace(None, shipped.name, text.clone(), text);
                self.files.check(true);
            }
            Intent::Revert => match self.files.document.path.clone() {
                Some(path) => self.open(&path),
                None => {
                    let name = self.files.document.name();
                    let saved = self.files.document.saved().to_owned();
                    self.files.document.replace(None, &name, saved.clone(), saved);
                    self.files.check(true);
                }
            },
            Intent::Restore(kept) => {
                let work = kept.work.clone();
                // What is on disk is what the work is compared with.
                let saved = work.path.as_deref().and_then(|path| disk::read(path).ok()).unwrap_or_default();
                let name = work.name.trim_end_matches(".ron").to_owned();
                self.files.document.replace(work.path, &name, work.text, saved);
                self.files.check(true);
                self.files.look_after();
                self.files.desk.ask(move || {
                    kept.forget();
                    Answer::Done
                });
            }
        }
    }

    /// Shows the dialog for a file to open.
    pub(crate) fn choose_file(&mut self) {
        let start = self.files.folder(&self.settings.recent);
        self.files.choose(Purpose::Open, self.settings.system_dialogs, start);
    }

    /// Saves where it was saved before, or asks where.
    pub(crate) fn save(&mut self, then: Option<Intent>) {
        match self.files.document.path.clone() {
            Some(path) => {
                let known = Replace::This(self.files.document.saved().to_owned());
                self.write(path, known, then);
            }
            None => self.save_as(then),
        }
    }

    /// Asks where to save.
    pub(crate) fn save_as(&mut self, then: Option<Intent>) {
        self.files.after_saving = then;
        let start = self.files.folder(&self.settings.recent);
        self.files.choose(Purpose::Save, self.settings.system_dialogs, start);
    }

    fn write(&mut self, path: PathBuf, replace: Replace, then: Option<Intent>) {
        if self.files.document.is_apart() {
            self.notices.warning(
                "Interventions made in the window are not in the text (its own list was edited, or it is not \
                 RON); they are not saved",
            );
        }
        let text = self.files.document.text().to_owned();
        self.files.writing = Some(then);
        self.files.desk.ask(move || {
            let result = disk::write(&path, &text, &replace);
            Answer::Written { path, text, result }
        });
    }

    /// Runs the text in the editor from its start.
    pub(crate) fn run_text(&mut self) {
        self.files.check(true);
    }

    /// Runs again what runs, from its start and with the interventions it has.
    pub(crate) fn restart(&mut self) {
        let Some(text) = self.files.document.running_text().map(str::to_owned) else {
            if let Some(opened) = &self.session.opened {
                let scenario = opened.scenario.clone();
                self.session.start(scenario, true);
            }
            return;
        };
        let (number, path) = (self.files.document.number(), self.files.document.reference());
        self.files.desk.ask(move || {
            let checked = super::check::check(&text, &path);
            Answer::Checked { number, version: None, run: Some(text), checked }
        });
    }

    fn start(&mut self, scenario: Scenario, text: String) {
        self.notices.forget_errors();
        for warning in &scenario.warnings {
            self.notices.warning(warning.to_string());
        }
        let generation = self.session.start(scenario, true);
        if self.session.has_rollups() {
            self.offer_panel("rollups");
        }
        if let Some(plan) = self.session.plan() {
            self.files.document.runs(generation, Arc::clone(plan), text);
        }
    }

    /// What happened since the last frame: answers, files dropped on the window, the wish to close it.
    pub(crate) fn update_files(&mut self, context: &Context) {
        while let Some(answer) = self.files.desk.answer() {
            self.hear_files(answer, context);
        }
        follow(&mut self.files, &self.session);
        let dropped: Vec<PathBuf> =
            context.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_path_buf()).collect());
        self.dropped(&dropped, context);
        if context.input(|i| i.viewport().close_requested()) && !self.files.closing {
            if self.files.document.is_dirty() {
                context.send_viewport_cmd(ViewportCommand::CancelClose);
                // A question that is open already stays: it is about the same work.
                if !matches!(self.files.question, Some(Question::Unsaved(_))) {
                    self.files.question = Some(Question::Unsaved(Intent::Quit));
                }
            } else {
                self.files.closing = true;
            }
        }
        self.files.look_after();
        let title = title(&self.files);
        if title != self.title {
            context.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// Draws questions and dialogs over the window, and closes it when it may close.
    pub(crate) fn show_files(&mut self, context: &Context, tokens: &Tokens) {
        if let Some(question) = &self.files.question
            && let Some(reply) = question.show(context, tokens, &self.files.document.name())
        {
            self.replied(reply);
        }
        if let Some(chooser) = &mut self.files.chooser {
            let purpose = chooser.purpose;
            match chooser.show(context, tokens) {
                Outcome::Open => {
                    if let Some(folder) = chooser.wants() {
                        self.files.desk.ask(move || Answer::Listed(chooser::list(&folder)));
                    }
                }
                Outcome::Cancelled => {
                    self.files.chooser = None;
                    self.files.after_saving = None;
                }
                Outcome::Chosen(path) => {
                    self.files.chooser = None;
                    // Nobody has been asked yet about a file of that name.
                    self.chosen(purpose, path, Replace::Nothing, context);
                }
            }
        }
        if self.files.closing {
            context.send_viewport_cmd(ViewportCommand::Close);
        }
    }

    fn chosen(&mut self, purpose: Purpose, path: PathBuf, replace: Replace, context: &Context) {
        match purpose {
            Purpose::Open => self.dropped(&[path], context),
            Purpose::Save => {
                let then = self.files.after_saving.take();
                let own = self.files.document.path.as_ref() == Some(&path);
                let known = Replace::This(self.files.document.saved().to_owned());
                self.write(path, if own { known } else { replace }, then);
            }
        }
    }

    /// Files and folders were let go over the window, or chosen to be opened.
    pub(crate) fn dropped(&mut self, paths: &[PathBuf], context: &Context) {
        let (folders, files): (Vec<_>, Vec<_>) = paths.iter().partition(|path| path.is_dir());
        for folder in folders {
            if folder.join("manifest.json").is_file() {
                self.open_results(folder, context);
            } else if folder.join("sweep.json").is_file() {
                self.open_sweep(folder);
            } else {
                let folder = folder.display();
                self.notices
                    .error(format!("{folder}: is a folder, but not one with results of a run or a sweep"));
            }
        }
        if let Some(file) = files.first() {
            self.request(Intent::Open((*file).clone()));
        }
        if files.len() > 1 {
            self.notices.warning("More than one file: only the first was opened");
        }
    }

    fn replied(&mut self, reply: Reply) {
        let Some(question) = self.files.question.take() else { return };
        match (question, reply) {
            (Question::Unsaved(intent), Reply::Save) => self.save(Some(intent)),
            (Question::Unsaved(intent), Reply::Discard) => {
                if intent == Intent::Quit {
                    // It was asked and answered: not offered again.
                    let saved = self.files.document.saved().to_owned();
                    *self.files.document.text_mut() = saved;
                    self.files.document.edited();
                    self.files.look_after();
                }
                self.carry_out(intent);
            }
            (Question::Replace { path, then, .. }, Reply::Replace) => {
                self.write(path, Replace::Anything, then);
            }
            (Question::Replace { then, .. }, Reply::SaveAs) => self.save_as(then),
            (Question::Found(mut list), Reply::Restore(index)) if index < list.len() => {
                let kept = list.remove(index);
                self.request(Intent::Restore(kept));
            }
            (Question::Found(mut list), Reply::Forget(index)) if index < list.len() => {
                let kept = list.remove(index);
                self.files.desk.ask(move || {
                    kept.forget();
                    Answer::Done
                });
                self.files.question = (!list.is_empty()).then_some(Question::Found(list));
            }
            _ => {}
        }
    }

    fn hear_files(&mut self, answer: Answer, context: &Context) {
        match answer {
            Answer::Read { path, text } => self.read(&path, text),
            Answer::Checked { number, version, run, checked } => self.checked(number, version, run, checked),
            Answer::Written { path, text, result } => self.written(path, text, result),
            Answer::Listed(listing) => {
                if let Some(chooser) = &mut self.files.chooser {
                    chooser.listed(listing);
                }
            }
            Answer::Asked { purpose, asked } => {
                self.files.asking_system = false;
                match asked {
                    // The desktop's dialog has asked about a file of that name.
                    system::Asked::Chosen(path) => {
                        let path = if purpose == Purpose::Save { chooser::with_ending(path) } else { path };
                        self.chosen(purpose, path, Replace::Anything, context);
                    }
                    system::Asked::Cancelled => self.files.after_saving = None,
                    system::Asked::Absent => {
                        let start = self.files.folder(&self.settings.recent);
                        self.files.choose(purpose, false, start);
                    }
                }
            }
            Answer::Found(list) => {
                if !list.is_empty() && self.files.question.is_none() {
                    self.files.question = Some(Question::Found(list));
                }
            }
            Answer::NotKept(why) => {
                self.notices.warning(format!("Unsaved work cannot be kept for the case of a crash: {why}"));
            }
            Answer::Explained { path, meaning } => _ = self.files.meanings.insert(path, meaning),
            Answer::Done => {}
            Answer::Panicked(why) => {
                (self.files.reading, self.files.checking, self.files.writing) = (None, None, None);
                self.notices.error(format!("This did not work: {why}"));
            }
        }
    }

    fn read(&mut self, path: &Path, text: Result<(String, Checked), String>) {
        // Only the last file that was asked for is wanted.
        let Some((_, version)) = self.files.reading.take_if(|(wanted, _)| wanted == path) else { return };
        let (text, checked) = match text {
            Ok(read) => read,
            Err(why) => {
                self.settings.forget(path);
                self.notices.error(why);
                return;
            }
        };
        if self.files.document.version() != version && self.files.document.is_dirty() {
            // Somebody went on writing while it was read.
            self.files.question = Some(Question::Unsaved(Intent::Open(path.to_path_buf())));
            return;
        }
        self.settings.remember(path);
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.files.document.replace(Some(path.to_path_buf()), &name, text.clone(), text.clone());
        let (number, version) = (self.files.document.number(), self.files.document.version());
        self.checked(number, Some(version), Some(text), checked);
    }

    /// A text was checked: the document's in that version, or without one, what runs.
    fn checked(&mut self, number: u64, version: Option<u64>, run: Option<String>, mut checked: Checked) {
        let of = version.map(|version| (number, version));
        self.files.checking.take_if(|checking| Some(*checking) == of);
        if number != self.files.document.number() {
            return;
        }
        let scenario = checked.scenario.take();
        let refusal = checked.refusal.take();
        if let Some(of) = of {
            self.files.checked = Some((of, checked));
        }
        match (run, scenario) {
            (Some(text), Some(scenario)) => self.start(*scenario, text),
            (Some(_), None) => {
                self.notices.error(refusal.unwrap_or_default());
                self.reveal("editor");
            }
            (None, _) => {}
        }
    }

    fn written(&mut self, path: PathBuf, text: String, result: Result<(), Unwritten>) {
        let then = self.files.writing.take().flatten();
        match result {
            Ok(()) => {
                self.settings.remember(&path);
                self.notices.info(format!("Saved {}", path.display()));
                self.files.document.is_saved(path, text);
                if let Some(intent) = then {
                    // Changed again while it was written: asked again.
                    self.request(intent);
                }
            }
            Err(Unwritten::Exists(why)) => self.files.question = Some(Question::Replace { path, why, then }),
            Err(Unwritten::Failed(why)) => self.notices.error(why),
        }
    }
}
