//! A fleet: many rollups of one kind as one entry of the event loop.
//!
//! **Captures.** Rollups share code, contracts and genesis, by reference; a rollup's own state is a persistent diff
//! over them. What every rollup has is two dense arrays: its share of the demand and its place among the active,
//! twelve bytes. Where liquidity is spread, each has its part of every pool's reserves, set when it becomes active and
//! a function of its number alone. A rollup becomes active with the first transaction that reaches its sequencer and only then holds
//! anything else. Nothing is pending for the others.
//!
//! **Leaves out.** Empty blocks (a rollup makes none), forced inclusion, sequencers that fail over. A batch under way is not changed; a rollup has one
//! at a time and waits for its finality on the L1 before it offers the next, so a reorganisation of the L1 never
//! reorders them. A batch in a lost L1 block is offered again.
//!
//! **Parameters.** [`FleetPlan`]. **Checked against** conservation of transactions, the order of labels, Little's law
//! and the bound of the L1 in `tests/rollup_fleet.rs`.

use super::based::Based;
use super::batcher::{Batch, Host as BatcherHost, Post};
use super::bridge::{Crossings, Letter, Places};
use super::conservation::Tokens;
use super::derive::Derivation;
use super::labels::Sighting;
use super::liquidity::agents::{Agents, Shown};
use super::liquidity::books::{Books, Paid};
use super::liquidity::providers::{Moved, Providers};
use super::liquidity::searchers::Searchers;
use super::liquidity::trades::Trade;
use super::params::FleetPlan;
use super::record::ConservationRecord;
use super::samples::Samples;
use super::sequencer::Rollup;
use super::shared::Shared;
use super::shares::Shares;
use super::users::{Gateway, Samplers, Tx};
use crate::chain::schedule::Schedule;
use crate::consensus::slots::Slots;
use crate::consensus::slots::offers::Notice;
use crate::execution::builder::BlockExecutor;
use crate::execution::host::{Host, RunError, timers};
use crate::execution::state::WorldState;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::kernel::random::WeightsError;
use crate::net::message::MessageKind;
use crate::workload::Pricing;
use crate::workload::economy::Economy;
use crate::workload::load::Load;
use std::collections::BTreeMap;
use std::sync::Arc;

/// No place: the rollup is idle.
pub(super) const NONE: u32 = u32::MAX;

/// What all rollups of a fleet share and nothing changes.
pub(super) struct Common {
    pub plan: FleetPlan,
    pub seed: u64,
    pub economy: Arc<Economy>,
    pub genesis: WorldState,
    pub shares: Shares,
    /// How the liquidity of every pool is spread, if it is.
    pub liquidity: Option<Shares>,
    pub tokens: Tokens,
    pub samplers: Samplers,
    pub last_ns: u64,
    pub slot_ns: u64,
}

/// What a fleet is made of.
pub struct FleetSetup {
    /// Number among the simulation's chains; the plan's own chains come first.
    pub chain: u32,
    /// Parameters.
    pub plan: FleetPlan,
    /// Root seed.
    pub seed: u64,
    /// Accounts and contracts.
    pub economy: Arc<Economy>,
    /// The state every rollup starts from.
    pub genesis: WorldState,
    /// Executes blocks.
    pub executor: BlockExecutor,
    /// Prices them.
    pub pricing: Pricing,
    /// Gateways with their regions and relative numbers of users.
    pub gateways: Vec<(NodeId, u32, u64)>,
    /// Nodes of sequencers and batchers.
    pub sequencers: Vec<NodeId>,
    /// Nodes of arbitrageurs with their regions.
    pub arbitrageurs: Vec<(NodeId, u32)>,
    /// Nodes of searchers with their regions.
    pub searchers: Vec<(NodeId, u32)>,
    /// Nodes of those who act for bridges with their regions, taken in turn.
    pub bridges: Vec<(NodeId, u32)>,
    /// Who proposes on the L1.
    pub schedule: Schedule,
    /// Its last slot.
    pub last_slot: u32,
    /// Nodes of providers of liquidity with their regions.
    pub providers: Vec<(NodeId, u32)>,
    /// Slot time of the L1, ns.
    pub slot_ns: u64,
    /// Nobody sends anything after this, ns.
    pub last_ns: u64,
}

/// A fleet of rollups.
#[derive(Clone)]
pub struct Fleet {
    /// Number among the simulation's chains.
    pub chain: u32,
    /// Chain number of its L1.
    pub l1: u32,
    pub(super) common: Arc<Common>,
    pub(super) executor: BlockExecutor,
    pub(super) pricing: Pricing,
    pub(super) gateways: Vec<Gateway>,
    gateway_of: BTreeMap<NodeId, u32>,
    pub(super) hosts: Vec<BatcherHost>,
    host_of: BTreeMap<NodeId, u32>,
    /// By rollup, its position in `active`.
    pub(super) places: Vec<u32>,
    pub(super) active: Vec<Rollup>,
    pub(super) txs: Vec<Tx>,
    pub(super) answers: Vec<Answer>,
    pub(super) answers_free: Vec<u32>,
    pub(super) batches: Vec<Batch>,
    pub(super) posts: Vec<Post>,
    pub(super) sightings: BTreeMap<(u32, u32), Sighting>,
    /// By transaction: what executed swaps came to, where they are followed.
    pub(super) trades: BTreeMap<u32, Trade>,
    /// By transaction: swaps on the way around a ring, of searchers' probes that traded.
    pub(super) legs: BTreeMap<u32, Vec<Trade>>,
    /// By transaction: gas and its price, where there are prices outside.
    pub(super) paid: BTreeMap<u32, Paid>,
    pub(super) books: Books,
    pub(super) agents: Agents,
    pub(super) searchers: Searchers,
    pub(super) crossings: Crossings,
    pub(super) providers: Providers,
    /// By transaction: liquidity added or removed.
    pub(super) moved: BTreeMap<u32, Moved>,
    pub(super) load: Load,
    /// Where the proposers of the L1 sequence.
    pub(super) based: Option<Box<Based>>,
    /// Where one sequencer serves all.
    pub(super) shared: Option<Box<Shared>>,
    pub(super) derivation: Derivation,
    pub(super) tally: Tally,
    pub(super) conservation: ConservationRecord,
    pub(super) samples: Samples,
}

/// What has become of transactions, counted as it happens.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub executed: u64,
    pub dropped: u64,
    pub sent_again: u64,
}

/// What a sequencer tells a gateway.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub txs: Vec<u32>,
    pub refused: bool,
    /// It is a block for a follower: execution by hardware class, ns.
    pub block: Option<Arc<[u64]>>,
    /// It shows an arbitrageur what pools hold.
    pub view: Option<Shown>,
    /// It is about a bridge, or for travellers.
    pub letter: Option<Letter>,
}

impl Fleet {
    /// A fleet that has not started.
    ///
    /// # Errors
    /// When the shares make no distribution.
    pub fn new(setup: FleetSetup) -> Result<Self, WeightsError> {
        let FleetSetup { chain, plan, seed, economy, genesis, executor, pricing, .. } = setup;
        let shares = Shares::new(&plan.shares, plan.count)?;
        let liquidity = plan.liquidity.as_ref().map(|shares| Shares::new(shares, plan.count)).transpose()?;
        let samplers = Samplers::new(&plan.demand, &economy)?;
        let mut gateways = Gateway::all(&setup.gateways, &plan.demand, &economy, seed, chain);
        let gateway_of = gateways.iter().enumerate().map(|(i, g)| (g.node, i as u32)).collect();
        let agents = Agents::new(&plan, gateways.len(), &economy, liquidity.as_ref(), seed, chain);
        let agent = |(n, place)| Gateway::of_agent(place, economy.people() + n, seed, chain);
        let searchers = Searchers::new(&plan, gateways.len() + setup.arbitrageurs.len(), &economy);
        let before = gateways.len() + setup.arbitrageurs.len() + setup.searchers.len();
        let providers = Providers::new(&plan, before, &economy, liquidity.as_ref());
        let agents_at = setup.arbitrageurs.into_iter().chain(setup.searchers).chain(setup.providers);
        gateways.extend((0..).zip(agents_at).map(agent));
        let sites = Places {
            before: gateways.len(),
            people: &setup.gateways,
            hosts: &setup.sequencers,
            others: &setup.bridges,
        };
        let (crossings, theirs) = Crossings::new(&plan, &sites, seed, chain);
        gateways.extend(theirs);
        let genesis = if crossings.active() { crossings.genesis(&genesis, &economy) } else { genesis };
        let (places, l1) = (vec![NONE; plan.count as usize], plan.l1);
        let hosts: Vec<BatcherHost> = setup.sequencers.iter().map(|node| BatcherHost::new(*node)).collect();
        let (slot_ns, last_ns) = (setup.slot_ns, setup.last_ns);
        let based = Based::new(plan.rules.sequencing, &setup.schedule, setup.last_slot, gateways.len());
        let shared = Shared::new(plan.rules.sequencing);
        let tokens = Tokens::new(economy.tokens());
        let common =
            Common { plan, seed, economy, genesis, shares, liquidity, tokens, samplers, last_ns, slot_ns };
        Ok(Self {
            chain,
            l1,
            common: Arc::new(common),
            executor,
            pricing,
            gateway_of,
            gateways,
            host_of: hosts.iter().enumerate().map(|(i, h)| (h.node, i as u32)).collect(),
            hosts,
            places,
            active: Vec::new(),
            txs: Vec::new(),
            answers: Vec::new(),
            answers_free: Vec::new(),
            batches: Vec::new(),
            posts: Vec::new(),
            sightings: BTreeMap::new(),
            trades: BTreeMap::new(),
            legs: BTreeMap::new(),
            paid: BTreeMap::new(),
            books: Books::default(),
            agents,
            searchers,
            crossings,
            providers,
            moved: BTreeMap::new(),
            load: Load::default(),
            based,
            shared,
            derivation: Derivation::default(),
            tally: Tally::default(),
            conservation: ConservationRecord::default(),
            samples: Samples::default(),
        })
    }

    /// Parameters.
    pub fn plan(&self) -> &FleetPlan {
        &self.common.plan
    }

    /// Sets the first timers.
    pub fn start<D: Dissemination>(&mut self, host: &mut Host<'_, D>) {
        for gateway in 0..self.gateways.len() {
            self.await_arrival(host, Moment::default(), gateway);
        }
        self.start_agents(host);
        self.start_searchers(host);
        self.start_trips(host);
        self.start_based(host);
        for index in 0..self.hosts.len() {
            let phase = self.tick_ns() * (index as u64 + 1) / (self.hosts.len() as u64 + 1);
            let (node, task) = (self.hosts[index].node, (self.chain, index as u32));
            host.task_timer(Moment::default(), phase.max(1), node, timers::BATCHER, task);
        }
    }

    /// A timer of the fleet fired at a node.
    ///
    /// # Errors
    /// When a block cannot be executed at all, or something is not accounted for.
    pub fn on_timer<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        l1: &mut Slots,
        now: Moment,
        timer: u8,
        number: u32,
    ) -> Result<(), RunError> {
        match timer {
            timers::ARRIVAL => self.on_arrival(host, now, number as usize),
            timers::SEQUENCE if number == NONE => self.on_tick(host, now)?,
            timers::SEALED if number == NONE => self.on_tick_sealed(host, now)?,
            timers::SEQUENCE => self.on_sequence(host, now, number)?,
            timers::SEALED => self.on_sealed(host, now, number)?,
            timers::CHANNEL => self.on_channel(now, number),
            timers::BATCHER => self.on_batcher(host, l1, now, number as usize),
            timers::PROVED => self.on_proved(number),
            timers::BASED => self.on_build(host, l1, now, number)?,
            timers::BUILT => self.on_built(host, l1, now, number),
            timers::RESEND if self.based.is_some() => self.on_resend(host, l1, now, number as usize),
            timers::RESEND => self.on_look_for_answers(host, now, number as usize),
            timers::AGENT => self.on_agent(host, now, number),
            timers::SEARCHER => self.on_searcher(host, now, number),
            timers::FETCH => self.ask(host, now, number),
            timers::DERIVED => self.on_derived(host, now, number),
            timers::TRIP => self.on_trip(host, now, number),
            timers::CROSSING => self.on_wake(host, now, number),
            other => unreachable!("nobody sets timer {other} for a fleet"),
        }
        Ok(())
    }

    /// A message of the fleet is complete at a node.
    pub fn on_message<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        kind: MessageKind,
        content: u32,
    ) {
        if kind == MessageKind::Transactions && self.based.is_some() {
            self.on_handed_over(now, content);
        } else if kind == MessageKind::Transactions {
            self.on_transaction(host, now, content);
        } else if kind == MessageKind::Blob {
            self.on_blobs(host, now, node, content);
        } else {
            self.on_answer(host, now, node, content);
        }
    }

    /// A node has executed an L1 block with posts, or holds it final.
    pub fn on_notice<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        l1: &Slots,
        now: Moment,
        notice: Notice,
    ) {
        let Some(market) = &l1.offers else { return };
        self.land(l1, notice.block);
        self.derive(host, l1, now, notice);
        let gateway = self.gateway_of.get(&notice.node).copied();
        let own_host = self.host_of.get(&notice.node).copied();
        if gateway.is_none() && own_host.is_none() {
            return;
        }
        let mine = market.contents(notice.block).offers.iter().filter(|o| o.id.0 == self.chain);
        let posts: Vec<u32> = mine.map(|offer| offer.number).collect();
        for post in posts {
            if self.based.as_ref().is_some_and(|based| based.is_void(notice.block, post)) {
                continue;
            }
            if let Some(gateway) = gateway.filter(|_| notice.is_final) {
                self.settle_based(gateway, post);
            }
            if let Some(gateway) = gateway {
                self.sight(l1, now, post, gateway, notice);
            }
            if own_host == Some(self.posts[post as usize].host) {
                self.posted(host, now, post, notice);
            }
            if let Some(own_host) = own_host.filter(|_| notice.is_final) {
                self.on_final_claim(host, now, post, own_host);
            }
        }
    }

    /// Prices blocks built from now on in another way.
    pub fn set_pricing(&mut self, pricing: Pricing) {
        self.pricing = pricing;
    }

    /// Node of the sequencer of a rollup.
    pub(super) fn host_index(&self, rollup: u32) -> u32 {
        rollup % self.hosts.len() as u32
    }

    /// Bytes the fleet holds, states and channels included by their lengths.
    pub fn heap_bytes(&self) -> usize {
        let channels: usize = self.active.iter().map(Rollup::heap_bytes).sum();
        self.places.capacity() * 4
            + self.active.capacity() * size_of::<Rollup>()
            + self.txs.capacity() * size_of::<Tx>()
            + self.batches.capacity() * size_of::<Batch>()
            + self.posts.capacity() * size_of::<Post>()
            + channels
            + self.crossings.heap_bytes()
            + self.derivation.heap_bytes()
    }
}
