//! What the window knows of the running simulation: the latest frame, what is chosen, where time is shown.

mod clock;
pub mod effect;
pub mod forecast;
pub mod verdict;
pub mod ways;

use crate::change::Change;
use crate::compare::{Comparison, Lane, slot_ns};
use crate::notice::Notices;
use crate::worker::{Frame, Limits, Order, Report, Speed, Worker};
use clock::DisplayClock;
use sim_core::scenario::Scenario;
use sim_core::scenario::plan::Plan;
use sim_core::simulation::Placement;
use sim_core::simulation::snapshot::{
    BlockKey, BlockSummary, FleetRequest, Followed, NodeState, Request, Snapshot,
};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use verdict::{Verdict, verdict_since_change};

/// A scenario that is open.
pub struct Opened {
    /// The scenario, arms included.
    pub scenario: Scenario,
    /// The plan that runs.
    pub plan: Arc<Plan>,
    /// Where the nodes are; once the simulation is set up.
    pub placement: Option<Arc<Placement>>,
    /// Time between blocks, ns.
    pub slot_ns: u64,
}

/// A link by its two ends, the lower first.
pub type Ends = [u32; 2];

/// What was chosen last, and is therefore in the inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The block that is shown.
    #[default]
    Block,
    /// The chosen node.
    Node,
    /// The chosen link.
    Link,
    /// The nodes that were brushed.
    Group,
}

/// What is chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// What of it the inspector shows.
    pub focus: Focus,
    /// Chosen node.
    pub node: Option<u32>,
    /// Chosen link.
    pub link: Option<Ends>,
    /// Block that is shown; `None`: the newest.
    pub block: Option<BlockKey>,
    /// Nodes that were brushed.
    pub nodes: BTreeSet<u32>,
    /// Fleet of rollups that is shown, counted from 0.
    pub fleet: u32,
    /// Its transaction or journey that is followed.
    pub followed: Option<Followed>,
    /// Node under the pointer, in whatever panel; set anew in every frame.
    pub hovered: Option<u32>,
    /// Link under the pointer, likewise.
    pub hovered_link: Option<Ends>,
    /// Block under the pointer, likewise.
    pub hovered_block: Option<BlockKey>,
}

impl Selection {
    /// A node, or none.
    pub fn choose_node(&mut self, node: Option<u32>) {
        (self.node, self.link) = (node, None);
        self.refocus(Focus::Node);
    }

    /// The link between two nodes.
    pub fn choose_link(&mut self, a: u32, b: u32) {
        self.link = Some([a.min(b), a.max(b)]);
        self.refocus(Focus::Link);
    }

    /// A block; the one that is chosen already is let go.
    pub fn choose_block(&mut self, block: BlockKey) {
        self.block = Some(block).filter(|b| self.block != Some(*b));
        self.refocus(Focus::Block);
    }

    /// Nodes.
    pub fn choose_nodes(&mut self, nodes: BTreeSet<u32>) {
        self.nodes = nodes;
        self.refocus(Focus::Group);
    }

    /// What is looked at: `wanted`, if there is such a thing, else what there is.
    fn refocus(&mut self, wanted: Focus) {
        let there = |focus: &Focus| match focus {
            Focus::Block => true,
            Focus::Node => self.node.is_some(),
            Focus::Link => self.link.is_some(),
            Focus::Group => !self.nodes.is_empty(),
        };
        let order = [wanted, Focus::Link, Focus::Node, Focus::Group, Focus::Block];
        self.focus = order.into_iter().find(there).unwrap_or_default();
    }

    /// Whether a node is among those that are brushed, or none are.
    pub fn includes(&self, node: u32) -> bool {
        self.nodes.is_empty() || self.nodes.contains(&node)
    }
}

/// The simulation as the window sees it.
pub struct Session {
    worker: Worker,
    /// Of what is shown; the numbers never come again.
    generation: u64,
    generations: u64,
    /// Which of the compared runs the panels show; 0: the base, or the only one.
    lane: usize,
    /// Runs side by side, if there are.
    pub comparison: Option<Comparison>,
    /// The scenario, if one is open.
    pub opened: Option<Opened>,
    /// The latest frame.
    pub frame: Arc<Frame>,
    /// What is chosen.
    pub selection: Selection,
    clock: DisplayClock,
    watched: Request,
    hovered_next: (Option<u32>, Option<Ends>, Option<BlockKey>),
    seek_target: Option<u64>,
    speed: Speed,
    /// Why the simulation stopped for good, if it did.
    pub failed: Option<String>,
    /// The change that is being turned and not yet made.
    pub draft: Option<Change>,
    /// A sweep's folder that is to be opened.
    pub wanted_sweep: Option<PathBuf>,
}

impl Session {
    /// Starts the worker; `wake` is called from its thread when there is something new.
    pub fn new(limits: Limits, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            worker: Worker::start(limits, wake),
            generation: 0,
            generations: 0,
            lane: 0,
            comparison: None,
            opened: None,
            frame: Arc::default(),
            selection: Selection::default(),
            clock: DisplayClock::default(),
            watched: Request::default(),
            hovered_next: Default::default(),
            seek_target: None,
            speed: Speed::default(),
            failed: None,
            draft: None,
            wanted_sweep: None,
        }
    }

    /// Runs the base of a scenario, from its start; the number of that run.
    pub fn start(&mut self, scenario: Scenario, play: bool) -> u64 {
        let plan = Arc::new(scenario.base.clone());
        self.generation = self.next_generation();
        let slot_ns = slot_ns(&plan);
        // What comes before the statistics begin is run at once.
        let first_ns = play.then(|| slot_ns * u64::from(plan.run.warm_up + 1));
        let (plan_for_worker, generation) = (Box::new((*plan).clone()), self.generation);
        self.worker.cancel();
        self.worker.send(Order::Open { plan: plan_for_worker, generation, play, first_ns });
        self.opened = Some(Opened { scenario, plan, placement: None, slot_ns });
        self.selection = Selection::default();
        self.clock = DisplayClock::default();
        self.failed = None;
        self.seek_target = None;
        (self.comparison, self.lane) = (None, 0);
        self.generation
    }

    /// The number of the run that was started last.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn next_generation(&mut self) -> u64 {
        self.generations += 1;
        self.generations
    }

    /// Runs the scenario's base and `arms` side by side, up to the present; what runs now is put aside.
    pub fn compare(&mut self, arms: Vec<Plan>) {
        let Some(opened) = &self.opened else { return };
        let plans: Vec<Plan> = std::iter::once(opened.scenario.base.clone()).chain(arms).collect();
        let (until_ns, before) = (self.frame.now_ns, self.generation);
        let alone = self.comparison.as_ref().map_or(before, |c| c.alone);
        self.generation = self.next_generation();
        self.comparison = Some(Comparison::new(&plans, alone));
        self.worker.cancel();
        self.worker.send(Order::Compare { plans, generation: self.generation, until_ns });
        self.changed();
    }

    /// Goes back to what ran before the comparison.
    pub fn end_comparison(&mut self) {
        let Some(comparison) = self.comparison.take() else { return };
        self.generation = comparison.alone;
        self.worker.cancel();
        self.worker.send(Order::EndComparison { generation: self.generation });
        self.changed();
    }

    /// Other runs are shown.
    fn changed(&mut self) {
        (self.lane, self.seek_target, self.draft) = (0, None, None);
        self.clock = DisplayClock::default();
    }

    /// Goes to the first moment at which an arm parts from the base.
    pub fn find_divergence(&mut self, arm: usize) {
        if let Some(comparison) = &mut self.comparison {
            comparison.searching = true;
            self.worker.send(Order::FindDivergence(arm));
        }
    }

    /// Which of the compared runs the panels show; 0: the base, or the only one.
    pub fn lane(&self) -> usize {
        self.lane
    }

    /// Shows another of the compared runs.
    pub fn look_at(&mut self, lane: usize) {
        self.lane = lane.min(self.comparison.as_ref().map_or(0, |c| c.lanes.len() - 1));
    }

    fn shown_lane(&self) -> Option<&Lane> {
        self.comparison.as_ref()?.lanes.get(self.lane)
    }

    /// Takes in what the worker has said since the last frame. `dt` is the time since then, s.
    pub fn update(&mut self, dt: f32, notices: &mut Notices) {
        let selection = &mut self.selection;
        (selection.hovered, selection.hovered_link, selection.hovered_block) =
            std::mem::take(&mut self.hovered_next);
        self.frame = self.worker.latest();
        while let Some(report) = self.worker.report() {
            self.hear(report, notices);
        }
        let frame = Arc::clone(&self.frame);
        if frame.busy.is_none() && self.seek_target.is_some_and(|at| frame.now_ns >= at || frame.playing) {
            self.seek_target = None;
        }
        self.clock.update(dt, &frame);
        let request = Request {
            block: self.selection.block,
            node: self.selection.node.or(self.selection.hovered),
            link: self.selection.link.or(self.selection.hovered_link),
            group: Some(self.selection.nodes.iter().copied().collect())
                .filter(|g: &Arc<[u32]>| !g.is_empty()),
            fleet: Some(FleetRequest { index: self.selection.fleet, follow: self.selection.followed })
                .filter(|_| self.has_rollups()),
            ..Request::default()
        };
        if request != self.watched {
            self.watched = request.clone();
            self.worker.send(Order::Watch(request));
        }
    }

    fn hear(&mut self, report: Report, notices: &mut Notices) {
        match report {
            Report::Opened { generation, placements, paired } if generation == self.generation => {
                if let Some(comparison) = &mut self.comparison {
                    comparison.set_up(placements, &paired);
                } else if let Some(opened) = &mut self.opened {
                    opened.placement = placements.into_iter().next();
                }
            }
            Report::Refused { generation, reason }
                if generation == self.generation && self.comparison.is_some() =>
            {
                // The worker has taken up again what ran before.
                self.generation = self.comparison.take().map_or(generation, |c| c.alone);
                self.changed();
                notices.error(format!("These runs cannot be compared: {reason}"));
            }
            Report::Failed { generation, reason }
                if generation == self.generation && self.comparison.is_some() =>
            {
                self.end_comparison();
                notices.error(format!("The comparison stopped: {reason}"));
            }
            Report::Refused { generation, reason } if generation == self.generation => {
                self.failed = Some(reason.clone());
                notices.error(format!("This scenario cannot be run: {reason}"));
            }
            Report::Failed { generation, reason } if generation == self.generation => {
                self.failed = Some(reason.clone());
                notices.error(format!("The run stopped: {reason}"));
            }
            Report::ChangeRefused { reason } => notices.error(reason),
            Report::Replayed { at_ns, equal: false } => {
                let at = crate::format::clock(at_ns);
                notices.error(format!("The replay is not what it was: the digest at {at} differs"));
            }
            Report::Finished { digest } => {
                notices.info(format!("The run is over; digest {}", &digest[..digest.len().min(12)]));
            }
            Report::SearchOver => {
                if let Some(comparison) = &mut self.comparison {
                    comparison.searching = false;
                }
            }
            Report::Diverged { arm, found } => {
                let Some(comparison) = &mut self.comparison else { return };
                let Some(found) = found else {
                    let name = comparison.lanes[arm].name.clone();
                    notices.info(format!("{name} does not differ from the base, up to the end"));
                    return;
                };
                self.selection.node = found.nodes.first().copied();
                self.selection.block = found.block;
                self.selection.nodes.clear();
                notices.info(comparison.diverged(arm, found));
            }
            Report::Replayed { .. }
            | Report::Opened { .. }
            | Report::Refused { .. }
            | Report::Failed { .. } => {}
        }
    }

    /// The latest snapshot.
    pub fn snapshot(&self) -> &Snapshot {
        self.snapshot_of(self.lane)
    }

    /// What limits the run that is looked at, over its last blocks since anything was changed.
    pub fn verdict(&self) -> Option<Verdict> {
        let snapshot = self.snapshot();
        let made = self.frame.interventions.iter().map(|i| i.at_ns).filter(|at_ns| *at_ns <= snapshot.now_ns);
        verdict_since_change(snapshot, made.max().unwrap_or(0))
    }

    /// The latest snapshot of one of the compared runs.
    pub fn snapshot_of(&self, lane: usize) -> &Snapshot {
        lane.checked_sub(1).and_then(|arm| self.frame.arms.get(arm)).unwrap_or(&self.frame.snapshot)
    }

    /// Frames belong to the scenario that is open, and there is something to see.
    pub fn is_ready(&self) -> bool {
        self.frame.generation == self.generation && self.frame.snapshot.nodes > 0 && self.opened.is_some()
    }

    /// Where the nodes are.
    pub fn placement(&self) -> Option<&Arc<Placement>> {
        match self.shown_lane() {
            Some(lane) => lane.placement.as_ref(),
            None => self.opened.as_ref()?.placement.as_ref(),
        }
    }

    /// The plan that runs.
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        match self.shown_lane() {
            Some(lane) => Some(&lane.plan),
            None => self.opened.as_ref().map(|o| &o.plan),
        }
    }

    /// There are rollups in what runs.
    pub fn has_rollups(&self) -> bool {
        self.plan().is_some_and(|plan| !plan.rollups.is_empty())
    }

    /// The block that is shown.
    pub fn block(&self) -> Option<&Arc<BlockSummary>> {
        let snapshot = self.snapshot();
        snapshot.focus.and_then(|at| snapshot.blocks.get(at))
    }

    /// The state of a node for that block, if the node is listed.
    pub fn state(&self, node: u32) -> Option<&NodeState> {
        let snapshot = self.snapshot();
        let every = snapshot.states_every.max(1);
        node.is_multiple_of(every).then(|| snapshot.states.get((node / every) as usize)).flatten()
    }

    /// Simulated time that is drawn, ns: a little behind the simulation while time passes, so that copies
    /// can be drawn under way.
    pub fn shown_ns(&self) -> u64 {
        self.clock.shown_ns()
    }

    /// Something on the screen moves.
    pub fn is_moving(&self) -> bool {
        self.frame.playing || self.frame.busy.is_some() || self.clock.is_moving()
    }

    /// Notes the node under the pointer; seen by all panels in the next frame.
    pub fn hover(&mut self, node: u32) {
        self.hovered_next.0 = Some(node);
    }

    /// Notes the link under the pointer.
    pub fn hover_link(&mut self, a: u32, b: u32) {
        self.hovered_next.1 = Some([a.min(b), a.max(b)]);
    }

    /// Notes the block under the pointer.
    pub fn hover_block(&mut self, block: BlockKey) {
        self.hovered_next.2 = Some(block);
    }

    /// Lets time pass, or stops it.
    pub fn play(&self, playing: bool) {
        self.worker.send(Order::Play(playing));
    }

    /// How fast time should pass.
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// Sets how fast time passes.
    pub fn set_speed(&mut self, speed: Speed) {
        self.speed = speed;
        self.worker.send(Order::Speed(speed));
    }

    /// Handles one event.
    pub fn step_event(&self) {
        self.worker.send(Order::StepEvent);
    }

    /// Runs to the next block.
    pub fn step_block(&self) {
        self.worker.send(Order::StepBlock);
    }

    /// Goes to a time, ns.
    pub fn seek(&mut self, at_ns: u64) {
        if self.seek_target != Some(at_ns) {
            self.seek_target = Some(at_ns);
            self.worker.send(Order::Seek(at_ns));
        }
    }

    /// Where the simulation is on its way to, ns.
    pub fn seek_target(&self) -> Option<u64> {
        self.seek_target
    }

    /// Goes to the publication of the block before the one of the present.
    pub fn step_back(&mut self) {
        let now_ns = self.snapshot().now_ns;
        // A block that has only just been published is the present one.
        let published = self.snapshot().blocks.iter().map(|b| b.published_ns).filter(|t| *t > 0);
        let before = published.filter(|t| t + 20_000_000 < now_ns).max();
        self.worker.send(Order::Play(false));
        self.seek(before.map_or(0, |t| t + 1));
    }

    /// Makes a change.
    pub fn apply(&self, change: Change) {
        self.worker.send(Order::Apply(change));
    }

    /// Takes the last change back.
    pub fn undo(&self) {
        self.worker.send(Order::Undo);
    }

    /// Makes it again.
    pub fn redo(&self) {
        self.worker.send(Order::Redo);
    }

    /// Lets the simulation panic.
    #[cfg(test)]
    pub fn panic(&self) {
        self.worker.send(Order::Panic);
    }

    /// Stops what takes long.
    pub fn cancel(&self) {
        self.worker.cancel();
    }
}
