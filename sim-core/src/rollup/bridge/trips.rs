//! People with something to do, at home or elsewhere.
//!
//! **Captures.** Each travellers' plan is a Poisson process at every desk (a node where people hand in transactions). Somebody draws a
//! home, a target (where liquidity is), a pair of tokens, a direction, an amount. They go by what the desk has been shown of the pools of
//! every rollup, by messages that travel: what a trade would yield there is the contract's own arithmetic on these
//! reserves; a trade that would yield less than that, less the slippage they accept, is reverted. *Local*: they trade
//! at home. *Bridge*: they bring the amount to the target, trade there, and bring home what came out. *Route*: they split it over home and the
//! rollups that hold most, as [`crate::rollup::liquidity::route`] says. *Together*: they trade on several at once (`together`). *Move*: they only bring it. Every step
//! begins when the desk has heard of the one before. A journey ends with one of [`OUTCOMES`](super::record::OUTCOMES), or is under
//! way at the end.
//!
//! **Leaves out.** People who change their minds, trade again what is stuck, or compare bridges; the way from the person to the desk.
//!
//! **Parameters** [`super::params::TravellersPlan`]. **Source** the kinds of journeys: our own. **Checked against**
//! conservation of journeys and tokens (`tests/rollup_bridges.rs`), closed forms (`validation`).

use super::params::PolicyPlan;
use super::record::{Outcome, Stage};
use super::{Crossings, Fleet, LETTER, Letter, Message, Step};
use crate::execution::host::{Host, timers};
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::kernel::math;
use crate::kernel::random::{Purpose, draw, exponential_duration, log_normal, uniform_below};
use crate::kernel::time::SimDuration;
use crate::net::message::CONTROL_BYTES;
use crate::rollup::liquidity::trades::reserves;
use crate::rollup::liquidity::{Reserves, float, route};
use crate::rollup::params::FleetPlan;
use crate::workload::economy::RESERVE;
use parallel_evm::U256;

/// What a pool takes in a letter, bytes: number and two words.
const POOL_BYTES: u64 = 68;
/// Apart from people's draws and arbitrageurs'.
const ENTITY: u64 = 1 << 38;
/// Parts of a whole.
const WHOLE: u64 = 1_000_000_000;

mod field {
    pub const GAP: u64 = 0;
    pub const HOME: u64 = 1;
    pub const TARGET: u64 = 2;
    pub const POOL: u64 = 3;
    pub const SIDE: u64 = 4;
    pub const SIZE: u64 = 5;
}

/// Travellers of a plan who start at a desk.
#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    plan: u32,
    desk: u32,
    seed: u64,
    entity: u64,
    mean_gap_ns: u64,
    next_ns: u64,
    count: u32,
    last_ns: u64,
}

impl Arrivals {
    fn random(&self, field: u64) -> u64 {
        draw(self.seed, Purpose::WORKLOAD, self.entity | field, u64::from(self.count))
    }

    fn gap_ns(&self) -> u64 {
        exponential_duration(self.random(field::GAP), SimDuration(self.mean_gap_ns)).0.max(1)
    }
}

/// What a desk knows of a rollup's pools.
#[derive(Clone, Debug)]
pub(super) struct View {
    blocks: Vec<u64>,
    pub(super) pools: Vec<Reserves>,
}

impl View {
    /// A message may overtake an earlier one.
    pub(super) fn show(&mut self, block: u64, pools: &[(u32, Reserves)]) {
        for (pool, held) in pools {
            let pool = *pool as usize;
            if block > self.blocks[pool] {
                (self.blocks[pool], self.pools[pool]) = (block, *held);
            }
        }
    }
}

/// A journey.
#[derive(Clone, Debug)]
pub(in crate::rollup) struct Trip {
    pub account: u32,
    pub pool: u32,
    pub zero_for_one: bool,
    pub(super) plan: u32,
    pub(super) desk: u32,
    pub(super) home: u32,
    pub(super) target: u32,
    pub(super) amount: U256,
    /// What the amount is worth in the other token at the start.
    pub(super) fair: f64,
    /// The desk's own count of such journeys.
    pub(super) order: u32,
    pub(super) started_ns: u64,
    pub(super) deadline_ns: u64,
    pub(super) ended_ns: u64,
    pub(super) legs: u32,
    pub(super) open: u32,
    pub(super) hops: u32,
    pub(super) received: U256,
    /// What was brought and went through.
    pub(super) through: U256,
    /// Parts of its value that bridges kept.
    pub(super) fees: f64,
    /// Fees for gas, wei.
    pub(super) paid_wei: u128,
    pub(super) outcome: Option<Outcome>,
}

/// A part of a journey that goes to one rollup.
#[derive(Clone, Debug)]
pub(in crate::rollup) struct Leg {
    pub trip: u32,
    /// What is sold.
    pub brought: U256,
    /// Least that must come out.
    pub least: U256,
    /// What came out of the trade; `None`: nothing, or not yet.
    pub out: Option<U256>,
    pub(super) rollup: u32,
    part: U256,
    over: bool,
}

impl Crossings {
    /// Arrivals and what desks know at first.
    pub(super) fn prepare(&mut self, plan: &FleetPlan, seed: u64, chain: u32) {
        let desks = self.twins.len();
        for (number, travellers) in plan.travellers.iter().enumerate() {
            for desk in 0..desks {
                let gap = 1_000_000_000_000 * desks as u128;
                let mut arrivals = Arrivals {
                    plan: number as u32,
                    desk: desk as u32,
                    seed,
                    entity: ENTITY | u64::from(chain) << 40 | (number as u64) << 20 | (desk as u64) << 8,
                    mean_gap_ns: gap
                        .checked_div(travellers.rate_milli_tps.into())
                        .map_or(u64::MAX, |gap| gap as u64),
                    next_ns: 0,
                    count: 0,
                    last_ns: travellers.until_ns.unwrap_or(u64::MAX),
                };
                arrivals.next_ns = arrivals.gap_ns();
                self.arrivals.push(arrivals);
            }
        }
    }
}

impl Fleet {
    /// Shows desks the genesis, and sets the first timers.
    pub(in crate::rollup) fn start_trips<D: Dissemination>(&mut self, host: &mut Host<'_, D>) {
        if self.crossings.arrivals.is_empty() {
            return;
        }
        let (common, pools) = (&self.common, self.common.economy.pools().len());
        let view = |rollup: u32| {
            let all = U256::from(RESERVE);
            let reserve = common.liquidity.as_ref().map_or(all, |shares| shares.part(rollup, all));
            let pool = Reserves { token0: reserve, token1: reserve };
            View { blocks: vec![0; pools], pools: vec![pool; pools] }
        };
        let views = (0..common.plan.count).map(view).collect::<Vec<_>>();
        self.crossings.views = vec![views; self.crossings.twins.len()];
        for number in 0..self.crossings.arrivals.len() {
            self.await_trip(host, Moment::default(), number);
        }
    }

    fn await_trip<D: Dissemination>(&self, host: &mut Host<'_, D>, now: Moment, number: usize) {
        let arrivals = &self.crossings.arrivals[number];
        if arrivals.next_ns <= self.common.last_ns.min(arrivals.last_ns) {
            let node = self.gateways[self.crossings.first + arrivals.desk as usize].node;
            let wait_ns = arrivals.next_ns.saturating_sub(now.time.0);
            host.task_timer(now, wait_ns, node, timers::TRIP, (self.chain, number as u32));
        }
    }

    /// Somebody starts.
    pub(in crate::rollup) fn on_trip<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
    ) {
        let number = number as usize;
        let arrivals = self.crossings.arrivals[number].clone();
        self.begin(host, now, &arrivals);
        let arrivals = &mut self.crossings.arrivals[number];
        arrivals.count += 1;
        // A node that was down: nobody started there in the meantime.
        arrivals.next_ns = arrivals.next_ns.max(now.time.0) + arrivals.gap_ns();
        self.await_trip(host, now, number);
    }

    fn begin<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, arrivals: &Arrivals) {
        let common = std::sync::Arc::clone(&self.common);
        let plan = &common.plan.travellers[arrivals.plan as usize];
        let home = plan.home.unwrap_or_else(|| common.shares.sample(arrivals.random(field::HOME)));
        let places = common.liquidity.as_ref().unwrap_or(&common.shares);
        let target = plan.target.unwrap_or_else(|| places.sample(arrivals.random(field::TARGET)));
        let pool = uniform_below(arrivals.random(field::POOL), common.economy.pools().len() as u64) as u32;
        let zero_for_one = arrivals.random(field::SIDE) & 1 == 0;
        let sigma = math::ln(plan.value_p90_ppm as f64 / 1e6) / math::normal_quantile(0.9);
        let median = plan.value_ppm as f64 / 1e6 * RESERVE as f64;
        let units = log_normal(arrivals.random(field::SIZE), median, sigma) as u128;
        let amount = U256::from(units.clamp(RESERVE / 1_000_000_000, RESERVE));
        let view =
            |rollup: u32| self.crossings.views[arrivals.desk as usize][rollup as usize].pools[pool as usize];
        let here = view(home).log_price();
        let log = self.agents.reference(now.time.0, pool).unwrap_or(here);
        let first = self.crossings.first_purse[arrivals.plan as usize];
        // Accounts take turns, each at one desk: who counts an account's nonces is one node.
        let desks = self.crossings.twins.len() as u32;
        let turn = arrivals.count % (plan.accounts / desks).max(1) * desks + arrivals.desk;
        let route = self.routed(plan.policy, arrivals.desk, (home, target), (pool, zero_for_one), amount);
        let trades = !matches!(plan.policy, PolicyPlan::Move { .. });
        let target = route.iter().max_by_key(|(_, part, _)| *part).map_or(target, |(rollup, _, _)| *rollup);
        let (trip, gain) =
            (self.crossings.trips.len() as u32, math::exp(if zero_for_one { log } else { -log }));
        let served = plan.policy.bridge().is_none_or(|bridge| {
            let bridge = &common.plan.bridges[bridge as usize];
            route
                .iter()
                .all(|(rollup, ..)| *rollup == home || (bridge.serves(home) && bridge.serves(*rollup)))
        });
        self.crossings.trips.push(Trip {
            account: first + turn,
            pool,
            zero_for_one,
            plan: arrivals.plan,
            desk: arrivals.desk,
            home,
            target,
            amount,
            fair: float(amount) * if trades { gain } else { 1.0 },
            order: arrivals.count,
            started_ns: now.time.0,
            deadline_ns: now.time.0 + plan.deadline_ns,
            ended_ns: 0,
            legs: route.len() as u32,
            open: route.len() as u32,
            hops: 0,
            received: U256::ZERO,
            through: U256::ZERO,
            fees: 0.0,
            paid_wei: 0,
            outcome: None,
        });
        if !served {
            let over = &mut self.crossings.trips[trip as usize];
            (over.outcome, over.ended_ns, over.open) = (Some(Outcome::NoBridge), now.time.0, 0);
            return;
        }
        let first = self.crossings.legs.len() as u32;
        for (rollup, part, quote) in route {
            let least = quote - quote * U256::from(plan.slippage_ppb) / U256::from(WHOLE);
            let leg = self.crossings.legs.len() as u32;
            self.crossings.legs.push(Leg {
                trip,
                brought: part,
                least,
                out: None,
                rollup,
                part,
                over: false,
            });
            if !plan.policy.is_together() {
                self.set_out(host, now, leg);
            }
        }
        if plan.policy.is_together() {
            self.set_out_together(host, now, trip, first);
        }
    }

    /// Where a journey leads: rollups, parts, and what each is quoted to yield there.
    fn routed(
        &self,
        policy: PolicyPlan,
        desk: u32,
        (home, target): (u32, u32),
        (pool, zero_for_one): (u32, bool),
        amount: U256,
    ) -> Vec<(u32, U256, U256)> {
        let views = &self.crossings.views[desk as usize];
        let view = |rollup: u32| views[rollup as usize].pools[pool as usize];
        let fee_ppb = policy.bridge().map_or(0, |b| self.crossings.bridges[b as usize].kind.fee_ppb());
        let quote = |rollup: u32, part: U256| {
            let arrives = if rollup == home { part } else { part - fee(part, fee_ppb) };
            view(rollup).quote(zero_for_one, arrives).unwrap_or_default()
        };
        match policy {
            PolicyPlan::Local => vec![(home, amount, quote(home, amount))],
            PolicyPlan::Move { .. } => vec![(target, amount, U256::ZERO)],
            PolicyPlan::Bridge { .. } => vec![(target, amount, quote(target, amount))],
            PolicyPlan::Together { chains, hop_cost_ppb } => {
                self.parts_together(views, (pool, zero_for_one), amount, (chains, hop_cost_ppb))
            }
            PolicyPlan::Route { chains, back, hop_cost_ppb, bridge } => {
                let bridge = &self.crossings.bridges[bridge as usize];
                let mut others: Vec<u32> = (0..self.common.plan.count)
                    .filter(|rollup| *rollup != home && bridge.serves(home) && bridge.serves(*rollup))
                    .collect();
                others
                    .sort_by_key(|rollup| (std::cmp::Reverse(view(*rollup).sides(zero_for_one).1), *rollup));
                others.truncate(chains.saturating_sub(1) as usize);
                let rollups: Vec<u32> = std::iter::once(home).chain(others).collect();
                let pools: Vec<Reserves> = rollups.iter().map(|rollup| view(*rollup)).collect();
                let costs = route::Costs {
                    chain_out: U256::from(RESERVE / 1_000_000_000) * U256::from(hop_cost_ppb),
                    // On the way back as much is kept again; of small fees the sum will do.
                    bridge_ppb: fee_ppb * if back { 2 } else { 1 },
                };
                let found = route::best(amount, zero_for_one, &pools, costs);
                let parts = found.map_or_else(|| vec![amount], |found| found.parts);
                let used = rollups.into_iter().zip(parts).filter(|(_, part)| !part.is_zero());
                used.map(|(rollup, part)| (rollup, part, quote(rollup, part))).collect()
            }
        }
    }

    /// A leg begins: a trade at home, or a bridge.
    fn set_out<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, number: u32) {
        let leg = &self.crossings.legs[number as usize];
        let trip = &self.crossings.trips[leg.trip as usize];
        let moves = matches!(self.policy(trip.plan), PolicyPlan::Move { .. });
        if leg.rollup != trip.home {
            self.cross(host, now, number, false, leg.part);
        } else if moves {
            // It is there already.
            let part = leg.part;
            self.leg_over(now, number, Outcome::Done, part);
        } else {
            let (gateway, home) = (self.crossings.first + trip.desk as usize, trip.home);
            self.take_step(host, now, gateway, home, Step::Swap(number));
        }
    }

    pub(super) fn policy(&self, plan: u32) -> PolicyPlan {
        self.common.plan.travellers[plan as usize].policy
    }

    /// Brings an amount over the leg's bridge: there, or what came out back home.
    fn cross<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
        homewards: bool,
        amount: U256,
    ) {
        let tokens = self.common.economy.tokens().len() as u32;
        let leg = &self.crossings.legs[number as usize];
        let trip = &self.crossings.trips[leg.trip as usize];
        let Some(bridge) = self.policy(trip.plan).bridge() else { return };
        let kept = fee(amount, self.crossings.bridges[bridge as usize].kind.fee_ppb());
        // What is sold goes there, what was bought comes back.
        let second = trip.zero_for_one == homewards;
        let token = if second { (trip.pool + 1) % tokens } else { trip.pool };
        let (from, to) = if homewards { (leg.rollup, trip.home) } else { (trip.home, leg.rollup) };
        let (desk, account, deadline_ns) = (trip.desk, trip.account, trip.deadline_ns);
        let gateway = self.crossings.first + desk as usize;
        let message = self.crossings.messages.len() as u32;
        let order = self.crossings.orders[desk as usize];
        self.crossings.orders[desk as usize] += 1;
        self.crossings.messages.push(Message {
            desk,
            order,
            bridge,
            from,
            to,
            token,
            amount,
            fee: kept,
            account,
            leg: number,
            deadline_ns,
            stage: Stage::Asked,
            sent_by: crate::rollup::fleet::NONE,
            filled: false,
            waited: false,
            derived_ns: 0,
            asked_ns: now.time.0,
            sent_ns: 0,
            ready_ns: 0,
            arrived_ns: 0,
            settled_ns: 0,
        });
        self.take_step(host, now, gateway, from, Step::Send(message));
    }

    /// The desk's node of a message's traveller.
    pub(super) fn desk_node(&self, message: u32) -> NodeId {
        let leg = &self.crossings.legs[self.crossings.messages[message as usize].leg as usize];
        let trip = &self.crossings.trips[leg.trip as usize];
        self.gateways[self.crossings.first + trip.desk as usize].node
    }

    /// The desk hears that a message has arrived, or that it has not.
    pub(super) fn on_crossed<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
        arrived: bool,
    ) {
        let message = self.crossings.messages[number as usize].clone();
        let leg = &self.crossings.legs[message.leg as usize];
        let (trip_number, rollup) = (leg.trip, leg.rollup);
        let trip = &mut self.crossings.trips[trip_number as usize];
        let homewards = message.to == trip.home;
        if !arrived {
            let outcome = match message.stage {
                // It cannot pay: but it is their own money.
                Stage::Failed => Outcome::Refused,
                _ if homewards => Outcome::Stuck,
                _ if message.waited => Outcome::NoInventory,
                _ => Outcome::Refunded,
            };
            return self.leg_over(now, message.leg, outcome, U256::ZERO);
        }
        let amount = message.amount - message.fee;
        trip.hops += 1;
        // Of a leg as much is kept as of its part.
        let share = float(self.crossings.legs[message.leg as usize].part) / float(trip.amount).max(1.0);
        trip.fees += share * float(message.fee) / float(message.amount).max(1.0);
        let moves =
            matches!(self.policy(self.crossings.trips[trip_number as usize].plan), PolicyPlan::Move { .. });
        if homewards || moves {
            return self.leg_over(now, message.leg, Outcome::Done, amount);
        }
        self.crossings.legs[message.leg as usize].brought = amount;
        let desk = self.crossings.trips[trip_number as usize].desk;
        let gateway = self.crossings.first + desk as usize;
        self.take_step(host, now, gateway, rollup, Step::Swap(message.leg));
    }

    /// The desk hears what came of a trade.
    pub(super) fn on_swapped<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, number: u32) {
        let leg = &self.crossings.legs[number as usize];
        let trip = &self.crossings.trips[leg.trip as usize];
        let together = self.policy(trip.plan).is_together();
        let (away, out) = (leg.rollup != trip.home && !together, leg.out);
        let back = match self.policy(trip.plan) {
            PolicyPlan::Route { back, .. } | PolicyPlan::Bridge { back, .. } => back && away,
            PolicyPlan::Local | PolicyPlan::Move { .. } | PolicyPlan::Together { .. } => false,
        };
        match out {
            None => {
                let outcome = if away { Outcome::Stuck } else { Outcome::Slippage };
                self.leg_over(now, number, outcome, U256::ZERO);
            }
            Some(out) if back => self.cross(host, now, number, true, out),
            Some(out) => self.leg_over(now, number, Outcome::Done, out),
        }
    }

    /// A sequencer has refused a traveller's transaction: they try again until the deadline.
    pub(super) fn on_refused_step<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        gateway: u16,
        rollup: u32,
        step: Step,
    ) {
        let leg = match step {
            Step::Swap(leg) => leg,
            Step::Send(message) => self.crossings.messages[message as usize].leg,
            _ => return,
        };
        let trip = &self.crossings.trips[self.crossings.legs[leg as usize].trip as usize];
        if now.time.0 < trip.deadline_ns {
            return self.retry(host, now, gateway, rollup, step);
        }
        let own = rollup == trip.home || self.policy(trip.plan).is_together();
        let outcome = if own { Outcome::Refused } else { Outcome::Stuck };
        if let Step::Send(message) = step {
            self.crossings.messages[message as usize].stage = Stage::Failed;
        }
        self.leg_over(now, leg, outcome, U256::ZERO);
    }

    /// A leg is over; with the last one the journey is.
    pub(super) fn leg_over(&mut self, now: Moment, number: u32, outcome: Outcome, received: U256) {
        let leg = &mut self.crossings.legs[number as usize];
        debug_assert!(!leg.over, "a leg ends once");
        leg.over = true;
        let trip = &mut self.crossings.trips[leg.trip as usize];
        trip.open -= 1;
        trip.received += received;
        if outcome == Outcome::Done {
            trip.through += leg.part;
        }
        // The first that goes wrong is what it was.
        if trip.outcome.is_none_or(|known| known == Outcome::Done) {
            trip.outcome = Some(outcome);
        }
        if trip.open == 0 {
            trip.ended_ns = now.time.0;
            let together = self.common.plan.travellers[trip.plan as usize].policy.is_together();
            if together && trip.outcome != Some(Outcome::Done) && !trip.through.is_zero() {
                trip.outcome = Some(Outcome::Partial);
            }
            if trip.outcome == Some(Outcome::Done) && now.time.0 > trip.deadline_ns {
                trip.outcome = Some(Outcome::Deadline);
            }
        }
    }

    /// A sequencer shows desks the pools that a block's swaps went to.
    pub(in crate::rollup) fn show_desks<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        place: usize,
        touched: &[u32],
    ) {
        if self.crossings.views.is_empty() || touched.is_empty() {
            return;
        }
        let (rollup, block) = (self.active[place].number, self.active[place].totals.blocks);
        let state = &self.active[place].state;
        let pool = |number: &u32| (*number, reserves(state, self.common.economy.pools()[*number as usize]));
        let pools: Vec<(u32, Reserves)> = touched.iter().map(pool).collect();
        let from = self.hosts[self.host_index(rollup) as usize].node;
        let bytes = CONTROL_BYTES + POOL_BYTES * pools.len() as u64;
        for desk in 0..self.crossings.views.len() {
            let to = self.gateways[self.crossings.first + desk].node;
            let letter = Letter::Pools { desk: desk as u32, rollup, block, pools: pools.clone() };
            let round = LETTER ^ (desk as u64) << 34 ^ block << 20 ^ u64::from(rollup) << 2;
            self.post_letter(host, now, (from, to), letter, bytes, round);
        }
    }
}

/// What a bridge keeps of an amount, rounded down.
fn fee(amount: U256, fee_ppb: u64) -> U256 {
    amount * U256::from(fee_ppb) / U256::from(WHOLE)
}
