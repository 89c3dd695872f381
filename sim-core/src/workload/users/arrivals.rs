//! When people send, and what: a stream of arrivals at every RPC node, and a second one while an application is in
//! demand.

use super::Users;
use crate::chain::mempool::TxIx;
use crate::chain::transaction::{Transaction, TxId};
use crate::kernel::ids::NodeId;
use crate::kernel::random::{Purpose, Weighted, Zipf, draw, exponential_duration, log_normal, uniform_below};
use crate::kernel::time::SimDuration;
use crate::workload::economy::RULES;
use crate::workload::load::Load;
use crate::workload::params::{BurstPlan, UsersPlan};
use parallel_evm::{Address, TxKind as To};
use std::ops::Range;

/// Median tip, wei per gas.
const TIP_MEDIAN_WEI: f64 = 1e9;
/// 90th percentile of the standard normal distribution.
const Z90: f64 = 1.281_551_565_544_600_4;
/// People beyond this rank are equally popular counterparties (keeps the popularity table small).
const POPULAR_PEOPLE: usize = 10_000;
/// Gas of an address on an access list (EIP-2930).
const ACCESS_LIST_ADDRESS_GAS: u64 = 2_400;
/// The burst's draws are those of a node's fields from here on.
const BURST_FIELDS: u64 = 16;

/// What a user saw of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Region of the user.
    pub region: u32,
    /// Position of its kind in the plan's mix.
    pub kind: u32,
    /// What it has to do with the application in demand; `None` in a plan without.
    pub group: Option<Group>,
    /// Handed to the RPC node, ns.
    pub submitted_ns: u64,
    /// RPC node, as a position in the list of RPC nodes.
    pub(super) rpc: u32,
    pub(super) bundle: u32,
}

/// What a transaction has to do with the application in demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// It calls it.
    Hot,
    /// It calls another that touches one of the same contracts.
    Related,
    /// Neither.
    Unrelated,
}

impl Group {
    /// All in order.
    pub const ALL: [Self; 3] = [Self::Hot, Self::Related, Self::Unrelated];

    /// Name used in tables and plots.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hot => "bursting",
            Self::Related => "related",
            Self::Unrelated => "unrelated",
        }
    }
}

/// Distributions of users' choices.
pub(super) struct Samplers {
    kinds: Weighted,
    instances: Zipf,
    people: Zipf,
    fee_sigma: f64,
}

impl Samplers {
    pub(super) fn new(plan: &UsersPlan, instances: usize) -> Self {
        let exponent = plan.zipf_ppm as f64 / 1e6;
        let people = (plan.accounts as usize).min(POPULAR_PEOPLE);
        Self {
            kinds: Weighted::new(plan.mix.iter().map(|(_, w)| *w)).expect("the mix has weight"),
            instances: Zipf::new(instances, exponent).expect("instances exist"),
            people: Zipf::new(people, exponent).expect("people exist"),
            fee_sigma: crate::kernel::math::ln(plan.max_fee_p90_ppm as f64 / 1e6) / Z90,
        }
    }

    /// Share of all transactions that call an application.
    fn share(&self, kind: usize, instance: usize) -> f64 {
        self.kinds.weight(kind) as f64 / self.kinds.total() as f64 * self.instances.probability(instance)
    }
}

/// Poisson arrivals, with draws and senders of their own.
#[derive(Clone)]
pub(super) struct Stream {
    /// Added to the number of every field drawn.
    fields: u64,
    mean_gap_ns: u64,
    /// When it begins and when it ends, ns.
    from_ns: u64,
    until_ns: u64,
    /// The next arrival, ns; `u64::MAX`: none.
    next_ns: u64,
    arrivals: u64,
    accounts: Range<u32>,
    nonces: Vec<u64>,
}

impl Stream {
    fn new(fields: u64, mean_gap_ns: u64, (from_ns, until_ns): (u64, u64), accounts: Range<u32>) -> Self {
        let nonces = vec![0; accounts.len()];
        Self { fields, mean_gap_ns, from_ns, until_ns, next_ns: u64::MAX, arrivals: 0, accounts, nonces }
    }

    fn draw(&self, seed: u64, node: NodeId, field: u64) -> u64 {
        draw(seed, Purpose::WORKLOAD, u64::from(node.0) << 8 | (self.fields + field), self.arrivals)
    }

    fn gap_ns(&self, seed: u64, node: NodeId) -> u64 {
        exponential_duration(self.draw(seed, node, 0), SimDuration(self.mean_gap_ns)).0.max(1)
    }

    /// The next arrival is a gap after `from_ns`.
    fn schedule(&mut self, load: &Load, from_ns: u64, gap_ns: u64) {
        let next_ns = load.after(from_ns, gap_ns);
        self.next_ns = if next_ns < self.until_ns { next_ns } else { u64::MAX };
    }

    fn begin(&mut self, load: &Load, seed: u64, node: NodeId) {
        self.schedule(load, self.from_ns, self.gap_ns(seed, node));
    }
}

/// A node that takes transactions from users, with the accounts of its users.
#[derive(Clone)]
pub(super) struct Rpc {
    pub(super) node: NodeId,
    region: u32,
    people: Stream,
    burst: Option<Stream>,
    pub(super) transactions: Vec<TxIx>,
    /// Share of all users, parts per million.
    pub(super) share_ppm: u64,
    /// Taken and not yet seen in a final block, where bundles go to leaders,
    /// as (sender, nonce, transaction), sorted up to what came in last.
    pub(super) pending: Vec<(u32, u64, TxIx)>,
    /// Slot in which leftovers were last sent.
    pub(super) last_leftovers: u32,
}

impl Rpc {
    /// When the next transaction comes, ns; `u64::MAX`: never.
    pub(super) fn next_ns(&self) -> u64 {
        self.people.next_ns.min(self.burst.as_ref().map_or(u64::MAX, |burst| burst.next_ns))
    }

    fn streams(&mut self) -> impl Iterator<Item = &mut Stream> {
        std::iter::once(&mut self.people).chain(&mut self.burst)
    }
}

/// RPC nodes with their users, from the nodes with their regions and relative numbers of users.
pub(super) fn rpcs(
    plan: &UsersPlan,
    seed: u64,
    samplers: &Samplers,
    nodes: Vec<(NodeId, u32, u64)>,
) -> Vec<Rpc> {
    let total: u64 = nodes.iter().map(|(_, _, weight)| weight).sum::<u64>().max(1);
    let mut before = 0;
    let rpcs = nodes.into_iter().map(|(node, region, weight)| {
        let share = (before, before + weight);
        before += weight;
        // rate = plan.rate * weight / total; gap = 1 / rate.
        let gap = 1_000_000_000_000_u128 * u128::from(total);
        let rate = u128::from(plan.rate_milli_tps) * u128::from(weight);
        let mean_gap_ns = gap.checked_div(rate).map_or(u64::MAX, |g| g as u64);
        let always = (0, u64::MAX);
        let people = Stream::new(0, mean_gap_ns, always, part(plan.accounts, share, total));
        let burst = plan.burst.as_ref().map(|burst| {
            let own = part(burst.accounts, share, total);
            let accounts = plan.accounts + own.start..plan.accounts + own.end;
            let times = (burst.from_ns, burst.until_ns);
            Stream::new(BURST_FIELDS, burst_gap_ns(plan, burst, samplers, mean_gap_ns), times, accounts)
        });
        let (transactions, pending) = (Vec::new(), Vec::new());
        let share_ppm = weight * 1_000_000 / total;
        let mut rpc =
            Rpc { node, region, people, burst, transactions, share_ppm, pending, last_leftovers: 0 };
        rpc.streams().for_each(|stream| stream.begin(&Load::default(), seed, node));
        rpc
    });
    rpcs.collect()
}

/// The part of `count` accounts that belongs to the users from `share.0` to `share.1` of `total`; not empty.
fn part(count: u32, share: (u64, u64), total: u64) -> Range<u32> {
    let at = |users: u64| (u64::from(count) * users / total) as u32;
    let from = at(share.0);
    from.min(count - 1)..at(share.1).max(from + 1).min(count)
}

/// Mean time between the arrivals that come on top of an application's usual ones, ns.
fn burst_gap_ns(plan: &UsersPlan, burst: &BurstPlan, samplers: &Samplers, mean_gap_ns: u64) -> u64 {
    let kind = plan.mix.iter().position(|(kind, _)| *kind == burst.kind).expect("the plan was checked");
    let more = burst.factor_ppm.saturating_sub(1_000_000) as f64 / 1e6;
    (mean_gap_ns as f64 / (samplers.share(kind, burst.instance as usize) * more)) as u64
}

impl Users {
    /// The next user's transaction at an RPC node; its size, bytes.
    pub(super) fn submit(&mut self, index: usize) -> u64 {
        let seed = self.seed;
        let Rpc { node, region, people, burst, transactions, .. } = &mut self.rpcs[index];
        let (node, region) = (*node, *region);
        let in_demand = burst.as_mut().filter(|burst| burst.next_ns < people.next_ns);
        let hot = in_demand.is_some();
        let stream = in_demand.unwrap_or(people);
        let submitted_ns = stream.next_ns;
        let (fields, counter) = (u64::from(node.0) << 8 | stream.fields, stream.arrivals);
        let random = |field: u64| draw(seed, Purpose::WORKLOAD, fields + field, counter);
        stream.arrivals += 1;
        let gap_ns = stream.gap_ns(seed, node);
        stream.schedule(&self.load, submitted_ns, gap_ns);
        let account = uniform_below(random(1), stream.accounts.len() as u64) as usize;
        let sender = stream.accounts.start + account as u32;
        let nonce = stream.nonces[account];
        stream.nonces[account] += 1;
        let (kind, instance) = match (&self.hot, hot) {
            (Some(app), true) => (app.mix_position, app.instance),
            _ => (self.samplers.kinds.sample(random(2)), self.samplers.instances.sample(random(3))),
        };
        let other = self.samplers.people.sample(random(4)) as u32;
        let call = self.economy.call(self.plan.mix[kind].0, instance, other, random(5));
        let max_fee = log_normal(random(6), self.plan.max_fee_median_wei as f64, self.samplers.fee_sigma);
        let max_fee = (max_fee as u64).max(1);
        let tip = log_normal(random(7), TIP_MEDIAN_WEI, 0.5) as u64;
        let access_list = if self.declares { others(&call.touches, call.to) } else { Vec::new() };
        let transaction = Transaction {
            id: TxId { producer: node.0, sequence: transactions.len() as u64 },
            sender,
            from: self.economy.person(sender),
            nonce,
            to: To::Call(call.to),
            value: call.value,
            input: call.input,
            gas_limit: call.gas_limit + access_list.len() as u64 * ACCESS_LIST_ADDRESS_GAS,
            max_fee_per_gas: max_fee,
            max_priority_fee_per_gas: tip.min(max_fee),
            chain_id: RULES.chain_id,
            access_list,
        };
        let bytes = transaction.wire_size_bytes();
        let ix = self.log.push(transaction);
        transactions.push(ix);
        let group = self.hot.as_ref().map(|app| app.group(kind, instance, &call.touches));
        let (rpc, bundle) = (index as u32, self.deliveries.next());
        self.fates.push(Fate { region, kind: kind as u32, group, submitted_ns, rpc, bundle });
        if self.pinned.is_none() {
            self.pool.insert(&self.log, ix).expect("fees are ordered and nonces are new");
        }
        bytes
    }

    /// From `at_ns` on people send `factor_ppm` times what the plan says.
    pub fn set_load(&mut self, at_ns: u64, factor_ppm: u64) {
        let load = &self.load;
        for stream in self.rpcs.iter_mut().flat_map(Rpc::streams) {
            if stream.next_ns > at_ns && stream.next_ns < u64::MAX && stream.from_ns <= at_ns {
                stream.next_ns = load.rescaled(at_ns, stream.next_ns, factor_ppm);
                if stream.next_ns >= stream.until_ns {
                    stream.next_ns = u64::MAX;
                }
            }
        }
        self.load.set(at_ns, factor_ppm);
        for rpc in &mut self.rpcs {
            let node = rpc.node;
            for stream in rpc.streams().filter(|stream| stream.from_ns > at_ns) {
                stream.begin(&self.load, self.seed, node);
            }
        }
    }

    /// A node is back at `at_ns`: what its users would have sent in the meantime they did not.
    pub fn resume(&mut self, node: NodeId, at_ns: u64) {
        let Some(&rpc) = self.rpc_of_node.get(&node) else { return };
        for stream in self.rpcs[rpc].streams().filter(|stream| stream.next_ns <= at_ns) {
            stream.schedule(&self.load, at_ns, stream.gap_ns(self.seed, node));
        }
    }
}

/// The application whose demand bursts.
#[derive(Clone, Debug)]
pub(super) struct Hot {
    /// Position of its kind in the plan's mix.
    pub(super) mix_position: usize,
    pub(super) instance: usize,
    /// Its contract.
    pub(super) to: Address,
    /// All that calling it touches.
    pub(super) touches: Vec<Address>,
}

impl Hot {
    fn group(&self, kind: usize, instance: usize, touches: &[Address]) -> Group {
        if (kind, instance) == (self.mix_position, self.instance) {
            Group::Hot
        } else if touches.iter().any(|address| self.touches.contains(address)) {
            Group::Related
        } else {
            Group::Unrelated
        }
    }
}

fn others(touches: &[Address], to: Address) -> Vec<Address> {
    touches.iter().copied().filter(|address| *address != to).collect()
}
