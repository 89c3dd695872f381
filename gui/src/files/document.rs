//! The scenario that is open, as text: what is in the editor, what of it is saved, what of it runs.
//!
//! The text is the one place where unsaved work lies: an intervention that is made in the window is at once in
//! the text, and taken back it is gone from it. So saving is writing the text, and a crash loses what the text
//! would have lost.

use crate::change::{Intervention, Plan};
use sim_core::scenario::save;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A text that runs.
struct Run {
    /// Number of the opened simulation.
    generation: u64,
    /// As it was started, its own interventions included.
    plan: Arc<Plan>,
    /// The text it was started from.
    original: String,
    /// The same with the interventions as they are now.
    text: String,
    /// The interventions that are in `text`.
    list: Arc<Vec<Intervention>>,
    /// How `interventions` was written in the document's text when it was last written there.
    written: Option<String>,
}

/// The scenario that is open.
pub struct Document {
    /// Where it is saved; `None`: nowhere yet.
    pub path: Option<PathBuf>,
    name: String,
    text: String,
    saved: String,
    run: Option<Run>,
    number: u64,
    version: u64,
    apart: bool,
}

impl Document {
    /// A text that is nowhere saved, called `name`; what comes with the program is not unsaved work.
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            path: None,
            name: name.to_owned(),
            text: text.to_owned(),
            saved: text.to_owned(),
            run: None,
            number: 0,
            version: 0,
            apart: false,
        }
    }

    /// Another text takes its place. What runs goes on, and belongs to nobody until the text is run.
    pub fn replace(&mut self, path: Option<PathBuf>, name: &str, text: String, saved: String) {
        let number = self.number + 1;
        let version = self.version + 1;
        *self = Self { path, text, saved, number, version, ..Self::new(name, "") };
    }

    /// What it is called in the window.
    pub fn name(&self) -> String {
        let file = self.path.as_deref().and_then(Path::file_name);
        file.map_or_else(|| self.name.clone(), |f| f.to_string_lossy().into_owned())
    }

    /// The path that messages, and files named in the text, refer to.
    pub fn reference(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| PathBuf::from(format!("{}.ron", self.name)))
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text, for an editor, which calls [`Self::edited`] when it has changed it.
    pub fn text_mut(&mut self) -> &mut String {
        &mut self.text
    }

    /// The text was changed.
    pub fn edited(&mut self) {
        self.version += 1;
        self.note_lists();
    }

    /// Whether the list in the text is still the one that was written there.
    fn note_lists(&mut self) {
        self.apart = self.run.as_ref().is_some_and(|run| written(&self.text) != run.written);
    }

    /// Counts documents.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Counts changes of the text.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// There is something that is not saved.
    pub fn is_dirty(&self) -> bool {
        self.text != self.saved
    }

    /// The text as it is on disk, as far as is known; as it came, where it is on no disk.
    pub fn saved(&self) -> &str {
        &self.saved
    }

    /// `text` is on disk now, at `path`.
    pub fn is_saved(&mut self, path: PathBuf, text: String) {
        self.path = Some(path);
        self.saved = text;
    }

    /// `text`, a text of this document, was started as simulation `generation`.
    pub fn runs(&mut self, generation: u64, plan: Arc<Plan>, text: String) {
        let list = Arc::new(plan.interventions.clone());
        let written = written(&text);
        self.run = Some(Run { generation, plan, original: text.clone(), text, list, written });
        self.note_lists();
    }

    /// `generation` is what runs now: if it was started from something else, this text runs no more.
    pub fn runs_only_in(&mut self, generation: u64) {
        self.run.take_if(|run| run.generation != generation);
    }

    /// What runs is exactly this text.
    pub fn is_running(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.text == self.text)
    }

    /// What runs was once this text.
    pub fn has_run(&self) -> bool {
        self.run.is_some()
    }

    /// The text that runs, interventions included.
    pub fn running_text(&self) -> Option<&str> {
        self.run.as_ref().map(|run| run.text.as_str())
    }

    /// Interventions were made that are not in the text, because its list was edited by hand or because it is
    /// not in a form they can be written into.
    pub fn is_apart(&self) -> bool {
        let run = self.run.as_ref();
        self.apart && run.is_some_and(|run| *run.list != run.plan.interventions)
    }

    /// The interventions of simulation `generation` are `list` now: so they are in the text, too.
    pub fn follow(&mut self, generation: u64, list: &Arc<Vec<Intervention>>) {
        let Some(run) = self.run.as_mut().filter(|run| run.generation == generation) else { return };
        if Arc::ptr_eq(&run.list, list) {
            return;
        }
        let changed = run.list != *list;
        run.list = Arc::clone(list);
        if !changed {
            return;
        }
        let (same, own) = (run.text == self.text, run.plan.interventions == **list);
        let plan = Plan { interventions: list.to_vec(), ..(*run.plan).clone() };
        let text =
            if own { Some(run.original.clone()) } else { save::with_interventions(&run.original, &plan) };
        let Some(text) = text else {
            self.apart = true;
            return;
        };
        run.text = text;
        if same {
            self.text.clone_from(&run.text);
        } else if written(&self.text) == run.written
            && let Some(text) = save::with_interventions(&self.text, &plan)
        {
            self.text = text;
        } else {
            self.apart = true;
            return;
        }
        run.written = written(&self.text);
        self.version += 1;
    }
}

/// How `interventions` is written in a text.
fn written(text: &str) -> Option<String> {
    save::interventions_at(text).map(|range| text[range].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Change;
    use sim_core::scenario::{Changes, Library, Scenario};

    const TEXT: &str = "// Mine.\n(version: 1, nodes: (count: 40), seed: 5)\n";

    fn plan(text: &str) -> Arc<Plan> {
        let read = Scenario::parse(text, Path::new("a.ron"), &Library::default(), &Changes::default());
        Arc::new(read.expect("a scenario").base)
    }

    fn made(at_ns: u64, cores: u32) -> Intervention {
        Intervention { at_ns, change: Change::Cores { cores } }
    }

    fn running() -> Document {
        let mut document = Document::new("a", TEXT);
        document.runs(1, plan(TEXT), TEXT.to_owned());
        document
    }

    #[test]
    fn what_is_changed_in_the_window_is_in_the_text_until_it_is_taken_back() {
        let mut document = running();
        assert!(document.is_running() && !document.is_dirty());
        document.follow(1, &Arc::new(vec![made(7, 2)]));
        assert!(document.is_running() && document.is_dirty());
        assert_eq!(plan(document.text()).interventions, [made(7, 2)]);
        assert!(document.text().starts_with("// Mine.\n(version: 1, nodes: (count: 40), seed: 5,"));
        document.follow(1, &Arc::default());
        assert_eq!(document.text(), TEXT);
        assert!(document.is_running() && !document.is_dirty());
    }

    #[test]
    fn an_edited_text_takes_interventions_in_unless_its_own_list_was_edited() {
        let mut document = running();
        *document.text_mut() = TEXT.replace("40", "50");
        document.edited();
        assert!(!document.is_running());
        document.follow(1, &Arc::new(vec![made(7, 2)]));
        let read = plan(document.text());
        assert_eq!((read.nodes.count, read.interventions.clone()), (50, vec![made(7, 2)]));
        assert!(!document.is_apart());
        // The text that runs has them without the edit.
        assert_eq!(plan(document.running_text().expect("it runs")).nodes.count, 40);
        *document.text_mut() = document.text().replace("Cores(2)", "Cores(4)");
        document.edited();
        let by_hand = document.text().to_owned();
        document.follow(1, &Arc::new(vec![made(7, 2), made(9, 1)]));
        assert_eq!(document.text(), by_hand);
        assert!(document.is_apart());
    }

    #[test]
    fn interventions_of_another_simulation_do_not_get_into_the_text() {
        let mut document = running();
        document.follow(2, &Arc::new(vec![made(7, 2)]));
        assert_eq!(document.text(), TEXT);
        document.runs_only_in(1);
        assert!(document.is_running());
        document.runs_only_in(2);
        assert!(!document.has_run());
        document.replace(None, "b", "(broken".to_owned(), String::new());
        document.follow(1, &Arc::new(vec![made(7, 2)]));
        assert_eq!((document.text(), document.is_dirty()), ("(broken", true));
    }
}
