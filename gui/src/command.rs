//! Everything that can be done, once: menus, shortcuts and the command palette are made from this list.

use crate::app::App;
use crate::files::Intent;
use crate::files::shipped::{Shipped, TEMPLATE};
use crate::panels::REGISTRY;
use eframe::egui::{Context, Key, KeyboardShortcut, Modifiers};

/// An action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// A scenario to start from.
    New,
    /// Choose a file.
    Open,
    /// The file so far back in the list of recent ones.
    OpenRecent(u8),
    /// The scenario of that place in the list of those that come with the program.
    OpenShipped(u8),
    /// Save the text, interventions included.
    Save,
    /// Save it under another name.
    SaveAs,
    /// Back to what is saved.
    Revert,
    /// Run the text in the editor.
    RunText,
    /// Play or pause.
    PlayPause,
    /// Play; faster if it plays.
    PlayFaster,
    /// Pause.
    Pause,
    /// Back to the block before.
    BlockBack,
    /// On to the next block.
    BlockForward,
    /// One event on.
    EventForward,
    /// Twice the speed.
    Faster,
    /// Half the speed.
    Slower,
    /// One simulated second a second.
    RealTime,
    /// No limit on speed.
    FullSpeed,
    /// Back to the start.
    ToStart,
    /// Stop what takes long.
    Cancel,
    /// Finished result folders.
    Results,
    /// Choose runs to see side by side.
    Compare,
    /// Back to one run.
    EndComparison,
    /// Where an arm parts from the base.
    FirstDifference,
    /// Take the last intervention back.
    Undo,
    /// Make it again.
    Redo,
    /// Run the scenario anew.
    Restart,
    /// Write a picture of the window.
    ExportPicture,
    /// Write what all panels show as drawings and numbers.
    ExportAll,
    /// The numbers beside all plots.
    Numbers,
    /// Find a command.
    Palette,
    /// All keys.
    Shortcuts,
    /// Write in the scenario's text.
    Editor,
    /// The panel of that place in the registry: into the window or out of it.
    TogglePanel(u8),
    /// Show the newest block.
    FollowNewest,
    /// Nothing chosen.
    ClearSelection,
    /// Dark or light.
    ToggleTheme,
    /// Larger text.
    LargerText,
    /// Smaller text.
    SmallerText,
    /// Text as it was.
    NormalText,
    /// Panels where they were.
    ResetLayout,
    /// Close the window.
    Quit,
}

/// Where a command stands in the menus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    /// Files.
    File,
    /// Interventions and selection.
    Edit,
    /// Time.
    Run,
    /// Look.
    View,
}

impl Menu {
    /// In the order of the menu bar.
    pub const ALL: [Self; 4] = [Self::File, Self::Edit, Self::Run, Self::View];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::Run => "Run",
            Self::View => "View",
        }
    }
}

/// What is known of a command.
pub struct Info {
    /// Its name, as menus and palette show it.
    pub name: &'static str,
    /// Its menu.
    pub menu: Menu,
    /// Its keys; the first is shown.
    pub keys: &'static [KeyboardShortcut],
}

const fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::SHIFT, key)
}

const fn command(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn command_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

impl Command {
    /// All that are always the same, in the order of the menus. [`Self::listed`] has the others, too.
    pub const ALL: [Self; 39] = [
        Self::New,
        Self::Open,
        Self::Save,
        Self::SaveAs,
        Self::Revert,
        Self::RunText,
        Self::Restart,
        Self::Results,
        Self::ExportPicture,
        Self::ExportAll,
        Self::Quit,
        Self::Undo,
        Self::Redo,
        Self::FollowNewest,
        Self::ClearSelection,
        Self::PlayPause,
        Self::PlayFaster,
        Self::Pause,
        Self::BlockForward,
        Self::BlockBack,
        Self::EventForward,
        Self::Faster,
        Self::Slower,
        Self::RealTime,
        Self::FullSpeed,
        Self::ToStart,
        Self::Cancel,
        Self::Compare,
        Self::FirstDifference,
        Self::EndComparison,
        Self::Palette,
        Self::Shortcuts,
        Self::Editor,
        Self::Numbers,
        Self::ToggleTheme,
        Self::LargerText,
        Self::SmallerText,
        Self::NormalText,
        Self::ResetLayout,
    ];

    /// Name, menu, keys.
    pub fn info(self) -> Info {
        use Menu::{Edit, File, Run, View};
        let (name, menu, keys): (_, _, &'static [KeyboardShortcut]) = match self {
            Self::New => ("New scenario", File, const { &[command(Key::N)] }),
            Self::Open => ("Open...", File, const { &[command(Key::O)] }),
            Self::OpenRecent(_) => ("Open recent", File, const { &[] }),
            Self::OpenShipped(_) => ("Shipped scenarios", File, const { &[] }),
            Self::Save => ("Save", File, const { &[command(Key::S)] }),
            Self::SaveAs => ("Save as...", File, const { &[command_shift(Key::S)] }),
            Self::Revert => ("Back to what is saved", File, const { &[] }),
            Self::RunText => ("Run the text", File, const { &[command(Key::Enter)] }),
            Self::Restart => ("Run from the start", File, const { &[command(Key::R)] }),
            Self::ExportPicture => ("Picture of the window (PNG)", File, const { &[command_shift(Key::E)] }),
            Self::ExportAll => ("All plots (SVG and CSV)", File, const { &[command_shift(Key::A)] }),
            Self::Numbers => ("Numbers beside the plots", View, const { &[key(Key::T)] }),
            Self::Quit => ("Quit", File, const { &[command(Key::Q)] }),
            Self::Undo => ("Undo", Edit, const { &[command(Key::Z)] }),
            Self::Redo => ("Redo", Edit, const { &[command_shift(Key::Z), command(Key::Y)] }),
            Self::FollowNewest => ("Follow the newest block", Edit, const { &[key(Key::N)] }),
            Self::ClearSelection => ("Clear the selection", Edit, const { &[key(Key::Escape)] }),
            Self::PlayPause => ("Play or pause", Run, const { &[key(Key::Space)] }),
            Self::PlayFaster => ("Play, then faster", Run, const { &[key(Key::L)] }),
            Self::Pause => ("Pause", Run, const { &[key(Key::K)] }),
            Self::BlockForward => ("Next block", Run, const { &[key(Key::ArrowRight)] }),
            Self::BlockBack => ("Block before", Run, const { &[key(Key::ArrowLeft), key(Key::J)] }),
            Self::EventForward => ("Next event", Run, const { &[shift(Key::ArrowRight)] }),
            Self::Faster => ("Faster", Run, const { &[key(Key::ArrowUp)] }),
            Self::Slower => ("Slower", Run, const { &[key(Key::ArrowDown)] }),
            Self::RealTime => ("Real time", Run, const { &[key(Key::Num1)] }),
            Self::FullSpeed => ("As fast as possible", Run, const { &[key(Key::Num0)] }),
            Self::ToStart => ("To the start", Run, const { &[key(Key::Home)] }),
            Self::Cancel => ("Cancel", Run, const { &[command(Key::Period)] }),
            Self::Results => ("Result folders", File, const { &[command_shift(Key::O)] }),
            Self::Compare => ("Compare runs", Run, const { &[command(Key::D)] }),
            Self::FirstDifference => ("First difference", Run, const { &[command_shift(Key::D)] }),
            Self::EndComparison => ("End the comparison", Run, const { &[] }),
            Self::Palette => ("Find a command", View, const { &[command(Key::K), command_shift(Key::P)] }),
            Self::Shortcuts => ("All keys", View, const { &[key(Key::F1), key(Key::Questionmark)] }),
            Self::Editor => ("Edit the text", View, const { &[command(Key::E)] }),
            Self::TogglePanel(_) => ("Panel", View, const { &[] }),
            Self::ToggleTheme => ("Dark or light", View, const { &[command_shift(Key::L)] }),
            Self::LargerText => ("Larger text", View, const { &[command(Key::Plus), command(Key::Equals)] }),
            Self::SmallerText => ("Smaller text", View, const { &[command(Key::Minus)] }),
            Self::NormalText => ("Normal text", View, const { &[command(Key::Num0)] }),
            Self::ResetLayout => ("Panels as they were", View, const { &[] }),
        };
        Info { name, menu, keys }
    }

    /// All that can be named now, those included that depend on what there is.
    pub fn listed(app: &App) -> Vec<Self> {
        let count = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        let recent = (0..count(app.settings.recent.len())).map(Self::OpenRecent);
        let shipped = (0..count(Shipped::all().count())).map(Self::OpenShipped);
        let panels = (0..count(REGISTRY.len())).map(Self::TogglePanel);
        Self::ALL.into_iter().chain(recent).chain(shipped).chain(panels).collect()
    }

    /// Its name, with what it is about.
    pub fn title(self, app: &App) -> String {
        match self {
            Self::OpenRecent(n) => app.settings.recent.get(usize::from(n)).map_or_else(String::new, |path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                format!("Open {name}  ({})", path.parent().unwrap_or(path).display())
            }),
            Self::OpenShipped(n) => Shipped::all()
                .nth(usize::from(n))
                .map_or_else(String::new, |s| format!("Open shipped {}", s.name)),
            Self::TogglePanel(n) => {
                let title = REGISTRY.get(usize::from(n)).map_or("", |r| r.title);
                format!("Show or hide {title}")
            }
            _ => self.info().name.to_owned(),
        }
    }

    /// Whether it can be done now.
    pub fn is_enabled(self, app: &App) -> bool {
        let frame = &app.session.frame;
        match self {
            Self::PlayPause
            | Self::PlayFaster
            | Self::BlockForward
            | Self::EventForward
            | Self::ToStart
            | Self::BlockBack => app.session.is_ready() && app.session.failed.is_none(),
            Self::Pause => frame.playing,
            Self::Compare => app.session.opened.is_some(),
            Self::EndComparison => app.session.comparison.is_some(),
            Self::FirstDifference => app.session.comparison.as_ref().is_some_and(|c| !c.searching),
            Self::Cancel => frame.busy.is_some() || app.files.busy().is_some(),
            Self::Undo => frame.edits.0 > 0,
            Self::Redo => frame.edits.1 > 0,
            Self::Restart => app.session.opened.is_some(),
            Self::Revert => app.files.document.is_dirty(),
            Self::OpenRecent(n) => usize::from(n) < app.settings.recent.len(),
            Self::FollowNewest => app.session.selection.block.is_some(),
            Self::ClearSelection => {
                let selection = &app.session.selection;
                selection.node.is_some()
                    || selection.link.is_some()
                    || selection.block.is_some()
                    || !selection.nodes.is_empty()
            }
            _ => true,
        }
    }

    /// Does it.
    pub fn run(self, app: &mut App, context: &Context) {
        if !self.is_enabled(app) {
            return;
        }
        let frame = std::sync::Arc::clone(&app.session.frame);
        match self {
            Self::PlayPause => app.session.play(!frame.playing),
            Self::PlayFaster if frame.playing => app.session.set_speed(app.session.speed().faster()),
            Self::PlayFaster => app.session.play(true),
            Self::Pause => app.session.play(false),
            Self::BlockBack => app.session.step_back(),
            Self::BlockForward => app.session.step_block(),
            Self::EventForward => app.session.step_event(),
            Self::Faster => app.session.set_speed(app.session.speed().faster()),
            Self::Slower => app.session.set_speed(app.session.speed().slower()),
            Self::RealTime => app.session.set_speed(crate::worker::Speed::Times(1.0)),
            Self::FullSpeed => app.session.set_speed(crate::worker::Speed::Unlimited),
            Self::ToStart => app.session.seek(0),
            Self::Results => app.reveal("results"),
            Self::Compare => app.reveal("compare"),
            Self::EndComparison => app.session.end_comparison(),
            Self::FirstDifference => app.session.find_divergence(app.session.lane().max(1)),
            Self::Cancel => {
                app.files.cancel_reading();
                app.session.cancel();
            }
            Self::Undo => app.session.undo(),
            Self::Redo => app.session.redo(),
            Self::Restart => app.restart(),
            Self::New => app.request(Intent::Shipped(TEMPLATE)),
            Self::Open => app.choose_file(),
            Self::OpenRecent(n) => {
                let path = app.settings.recent.get(usize::from(n)).cloned();
                path.into_iter().for_each(|path| app.request(Intent::Open(path)));
            }
            Self::OpenShipped(n) => {
                let shipped = Shipped::all().nth(usize::from(n));
                shipped.into_iter().for_each(|shipped| app.request(Intent::Shipped(shipped)));
            }
            Self::Save => app.save(None),
            Self::SaveAs => app.save_as(None),
            Self::Revert => app.request(Intent::Revert),
            Self::RunText => app.run_text(),
            Self::Shortcuts => app.shortcuts = !app.shortcuts,
            Self::Editor => app.reveal("editor"),
            Self::TogglePanel(n) => {
                if let Some(panel) = REGISTRY.get(usize::from(n)) {
                    app.toggle_panel(panel.id);
                }
            }
            Self::ExportPicture => app.export_picture(),
            Self::ExportAll => app.export_all(),
            Self::Numbers => app.toggle_numbers(),
            Self::Palette => app.palette.toggle(),
            Self::FollowNewest => app.session.selection.block = None,
            Self::ClearSelection => app.session.selection = Default::default(),
            Self::ToggleTheme => app.settings.toggle_theme(context),
            Self::LargerText => app.settings.scale_text(context, 1.1),
            Self::SmallerText => app.settings.scale_text(context, 1.0 / 1.1),
            Self::NormalText => app.settings.normal_text(context),
            Self::ResetLayout => app.reset_layout(),
            Self::Quit => app.request(Intent::Quit),
        }
    }

    /// Commands whose keys were pressed. Plain keys count only while nobody types; while somebody does, undo and
    /// redo are about the text. Nothing counts while a question waits for its answer.
    pub fn pressed(context: &Context, palette: bool) -> Vec<Self> {
        let typing = context.egui_wants_keyboard_input();
        let writing = context.text_edit_focused();
        let mut pressed = Vec::new();
        if context.memory(|m| m.top_modal_layer().is_some()) {
            return pressed;
        }
        context.input_mut(|input| {
            // Keys with more modifiers first: `consume_shortcut` accepts extra ones.
            let mut all: Vec<(usize, Self, &KeyboardShortcut)> =
                Self::ALL.iter().flat_map(|c| c.info().keys.iter().map(|k| (modifiers(k), *c, k))).collect();
            all.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
            for (count, command, shortcut) in all {
                let of_text = writing && matches!(command, Self::Undo | Self::Redo);
                // No letter is typed with a function key.
                let plain = count == 0 && shortcut.logical_key != Key::F1;
                if !(plain && (typing || palette) || of_text) && input.consume_shortcut(shortcut) {
                    pressed.push(command);
                }
            }
        });
        pressed
    }

    /// Its first keys as text, empty without.
    pub fn keys_text(self, context: &Context) -> String {
        self.info().keys.first().map(|k| context.format_shortcut(k)).unwrap_or_default()
    }
}

fn modifiers(shortcut: &KeyboardShortcut) -> usize {
    let m = shortcut.modifiers;
    [m.alt, m.ctrl, m.shift, m.mac_cmd, m.command].into_iter().filter(|on| *on).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_command_is_listed_once_and_no_two_share_keys() {
        let listed: BTreeSet<Command> = Command::ALL.into_iter().collect();
        assert_eq!(listed.len(), Command::ALL.len());
        let keys: Vec<String> =
            Command::ALL.iter().flat_map(|c| c.info().keys).map(|k| format!("{k:?}")).collect();
        let different: BTreeSet<&String> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
        let names: BTreeSet<&str> = Command::ALL.iter().map(|c| c.info().name).collect();
        assert_eq!(names.len(), Command::ALL.len());
    }
}
