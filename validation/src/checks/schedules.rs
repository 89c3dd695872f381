//! What no schedule of a block can beat, and what greedy scheduling guarantees.
//!
//! The bounds are computed here from the transactions' reads and writes alone; the simulator's own bounds are
//! compared with them.

use crate::check::{Check, Effort, Expected, Finding, Row};
use anyhow::{Context, Result};
use parallel_evm::{Executor, evm_block};
use sim_core::execution::params::Algorithm;
use sim_core::execution::profile::{self, Rates};
use sim_core::execution::trace::BlockTrace;
use sim_core::execution::virtual_cores::{BlockWork, Costs, TxWork, bounds, replay, serial};
use sim_core::kernel::random::{DrawRng, Purpose};
use std::path::Path;

/// Random blocks.
pub const BOUNDS: Check = Check {
    name: "block-stm-bounds",
    family: "execution",
    question: "On random blocks with conflicts, does the replay of Block-STM respect what no schedule can beat?",
    expected: "makespan >= max(W/m, longest transaction); >= the longest chain of reads, in which a dependent transaction counts from its read on; \
               m = 1 without overheads: = W, and with overheads >= W; W the sum of durations",
    source: "each transaction is executed at least once; a final value is read after it was written; Gelashvili et al. 2023",
    tolerance: "none: integers. The simulator's own bounds have to equal those computed here",
    understood_miss: None,
    run: random_bounds,
};

/// List scheduling.
pub const GRAHAM: Check = Check {
    name: "graham-list-scheduling",
    family: "execution",
    question: "Is list scheduling at most 2 - 1/m times as long as the best schedule of the same dependencies?",
    expected: "optimum >= max(W/m, critical path); optimum <= list <= (2 - 1/m) optimum, and list <= W/m + (1 - 1/m) critical path; the optimum over all priority orders",
    source: "Graham 1969; for tasks that are not interrupted some priority order is optimal, so all orders of up to 7 transactions are tried",
    tolerance: "none: integers, compared after multiplication by m",
    understood_miss: None,
    run: graham,
};

/// Recorded blocks.
pub const REAL: Check = Check {
    name: "block-stm-bounds-recorded",
    family: "execution",
    question: "Do the same bounds hold on recorded blocks, executed for real and priced with the shipped cost profile?",
    expected: "as for random blocks, without and with the profile's overheads; gas, bloom and receipts as the chain recorded them",
    source: "as for random blocks; blocks from the folder named by LIGHTCONE_DATA",
    tolerance: "none: integers, and nothing is random in the comparison",
    understood_miss: None,
    run: recorded,
};

const BLOCKS: Purpose = Purpose(Purpose::FIRST_CUSTOM + 4);
const CORES: [u32; 6] = [1, 2, 3, 4, 8, 16];

/// A block of up to `most` transactions over a few locations.
fn random_block(seed: u64, most: u64) -> BlockWork {
    let mut random = DrawRng::new(seed, BLOCKS, most);
    let count = 1 + random.below(most);
    let locations = 1 + random.below(2 * most) as u32;
    let transactions = (0..count).map(|_| {
        // Most are short, some a hundred times as long.
        let duration_ps = (1 + random.below(1_000_000)) * if random.below(8) == 0 { 100 } else { 1 };
        let mut pick = |most: u64| {
            let mut some: Vec<u32> =
                (0..random.below(most)).map(|_| random.below(u64::from(locations)) as u32).collect();
            some.sort_unstable();
            some.dedup();
            some
        };
        let (reads, writes) = (pick(4), pick(3));
        let reads = reads.into_iter().map(|at| (at, random.below(duration_ps + 1))).collect();
        TxWork { duration_ps, reads, writes, private_reads: random.below(4) as u32, private_writes: 1 }
    });
    BlockWork { transactions: transactions.collect(), locations }
}

/// By transaction: (the last earlier writer of something it reads, work before that read).
fn dependencies(work: &BlockWork) -> Vec<Vec<(usize, u64)>> {
    let mut all = Vec::new();
    for (tx, own) in work.transactions.iter().enumerate() {
        let writer = |at: u32| work.transactions[..tx].iter().rposition(|t| t.writes.contains(&at));
        all.push(own.reads.iter().filter_map(|(at, prefix)| Some((writer(*at)?, *prefix))).collect());
    }
    all
}

/// (sum, longest transaction, critical path of whole transactions, longest chain from read to end), ps.
fn figures(work: &BlockWork) -> [u64; 4] {
    let (mut whole, mut rest): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
    for (own, needs) in work.transactions.iter().zip(dependencies(work)) {
        let start = needs.iter().map(|(w, _)| whole[*w]).max().unwrap_or(0);
        whole.push(start + own.duration_ps);
        let ends = needs.iter().map(|(w, prefix)| rest[*w] + own.duration_ps - prefix);
        rest.push(ends.max().unwrap_or(0).max(own.duration_ps));
    }
    let durations = || work.transactions.iter().map(|t| t.duration_ps);
    let most = |ends: Vec<u64>| ends.into_iter().max().unwrap_or(0);
    [durations().sum(), durations().max().unwrap_or(0), most(whole), most(rest)]
}

/// Counts of broken promises over blocks.
#[derive(Default)]
struct Broken {
    blocks: u64,
    replays: u64,
    resource: u64,
    chain: u64,
    one_core: u64,
    own_bounds: u64,
    /// Least of makespan over the greater bound, on more than one core.
    closest: f64,
    /// Work over makespan at 8 cores, summed.
    speed_up: f64,
}

impl Broken {
    fn add(&mut self, work: &BlockWork, costs: &Costs) {
        let [sum, longest, critical, chain] = figures(work);
        self.blocks += 1;
        self.own_bounds += u64::from(bounds::critical_path_ps(work) != critical);
        self.own_bounds += u64::from(bounds::pipelined_critical_path_ps(work) != chain);
        for cores in CORES {
            let made = replay(work, Algorithm::BlockStm, cores, costs).total_ps;
            let resource = sum.div_ceil(u64::from(cores)).max(longest);
            self.replays += 1;
            self.own_bounds += u64::from(bounds::resource_bound_ps(work, cores) != resource);
            self.resource += u64::from(made < resource);
            self.chain += u64::from(made < chain);
            if cores == 1 {
                let serial = serial(work, costs).total_ps;
                let wrong = if *costs == Costs::FREE { made != sum } else { made < serial };
                self.one_core += u64::from(wrong || serial < sum);
            } else if resource.max(chain) > 0 {
                let ratio = made as f64 / resource.max(chain) as f64;
                self.closest = if self.closest == 0.0 { ratio } else { self.closest.min(ratio) };
            }
            if cores == 8 && made > 0 {
                self.speed_up += sum as f64 / made as f64;
            }
        }
    }

    fn rows(&self, finding: &mut Finding, costs: &str) {
        let sample = format!("{} blocks, {} replays on 1 to 16 cores", self.blocks, self.replays);
        for (what, count) in [
            ("shorter than max(W/m, longest)", self.resource),
            ("shorter than the longest chain of reads", self.chain),
            ("one core against serial", self.one_core),
            ("simulator's bounds that differ from ours", self.own_bounds),
        ] {
            let case = format!("{costs}: {what}");
            finding.rows.push(Row::new(case, count as f64, Expected::Exactly(0.0), "times", &sample));
        }
        finding.notes.push(format!(
            "{costs}: closest to a bound on two cores or more: {:.4} of it; mean of W/makespan on 8 cores {:.2}.",
            self.closest,
            self.speed_up / self.blocks.max(1) as f64
        ));
    }
}

fn rates() -> Result<Rates> {
    let name = profile::names().first().copied().context("the simulator ships a cost profile")?;
    Ok(Rates::new(&profile::named(name).context("the first profile exists")?)?)
}

fn random_bounds(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let rates = rates()?;
    for (name, costs) in [("no overheads", &Costs::FREE), ("shipped overheads", &rates.costs)] {
        let mut broken = Broken::default();
        for seed in 1..=effort.pick(300, 6_000) {
            broken.add(&random_block(seed, [6, 30, 120][(seed % 3) as usize]), costs);
        }
        broken.rows(&mut finding, name);
    }
    Ok(finding)
}

/// Makespan of whole transactions on `cores` cores, taken in `order` as they become ready.
fn list_makespan(durations: &[u64], needs: &[Vec<(usize, u64)>], order: &[usize], cores: usize) -> u64 {
    let mut end: Vec<Option<u64>> = vec![None; durations.len()];
    let mut free = vec![0_u64; cores];
    let mut now = 0;
    loop {
        let is_ready = |tx: &usize| {
            end[*tx].is_none() && needs[*tx].iter().all(|(w, _)| end[*w].is_some_and(|e| e <= now))
        };
        let core = free.iter().position(|at| *at <= now);
        if let (Some(core), Some(tx)) = (core, order.iter().copied().find(is_ready)) {
            end[tx] = Some(now + durations[tx]);
            free[core] = now + durations[tx];
        } else if let Some(next) = free.iter().copied().filter(|at| *at > now).min() {
            now = next;
        } else {
            return end.into_iter().flatten().max().unwrap_or(0);
        }
    }
}

/// Calls `visit` with every order of `items` (Heap's algorithm).
fn orders(items: &mut [usize], length: usize, visit: &mut impl FnMut(&[usize])) {
    if length <= 1 {
        return visit(items);
    }
    for k in 0..length {
        orders(items, length - 1, visit);
        items.swap(if length.is_multiple_of(2) { k } else { 0 }, length - 1);
    }
}

fn graham(effort: Effort) -> Result<Finding> {
    let (mut below, mut low, mut ratio_broken, mut sum_broken, mut cases) =
        (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    let mut worst = 1.0_f64;
    for seed in 1..=effort.pick(40, 500) {
        let work = random_block(seed, 7);
        let durations: Vec<u64> = work.transactions.iter().map(|t| t.duration_ps).collect();
        let needs = dependencies(&work);
        let [sum, _, critical, _] = figures(&work);
        for cores in [2_u64, 3] {
            let made = bounds::list_schedule(&work, cores as u32).total_ps;
            let mut best = u64::MAX;
            let mut order: Vec<usize> = (0..durations.len()).collect();
            let length = order.len();
            orders(&mut order, length, &mut |order| {
                best = best.min(list_makespan(&durations, &needs, order, cores as usize));
            });
            cases += 1;
            below += u32::from(made < best);
            low += u32::from(best < sum.div_ceil(cores).max(critical));
            ratio_broken += u32::from(made * cores > (2 * cores - 1) * best);
            sum_broken += u32::from(made * cores > sum + (cores - 1) * critical);
            worst = worst.max(made as f64 / best as f64);
        }
    }
    // Long blocks have no known optimum, but the second form holds for them too.
    let long = effort.pick(200, 3_000);
    for seed in 1..=long {
        let work = random_block(seed, 200);
        let [sum, longest, critical, _] = figures(&work);
        for cores in CORES.map(u64::from) {
            let made = bounds::list_schedule(&work, cores as u32).total_ps;
            sum_broken += u32::from(made * cores > sum + (cores - 1) * critical);
            low += u32::from(made < sum.div_ceil(cores).max(longest).max(critical));
        }
    }
    let mut finding = Finding::default();
    let sample = format!("{cases} optima over all orders, {long} long blocks on 6 numbers of cores");
    for (case, count) in [
        ("list shorter than the optimum", below),
        ("shorter than max(W/m, critical path)", low),
        ("list above (2 - 1/m) optimum", ratio_broken),
        ("list above W/m + (1 - 1/m) critical path", sum_broken),
    ] {
        finding.rows.push(Row::new(case, f64::from(count), Expected::Exactly(0.0), "times", &sample));
    }
    finding.notes.push(format!("Worst list schedule found: {worst:.4} of the optimum."));
    Ok(finding)
}

fn recorded(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let Some(data) = std::env::var_os("LIGHTCONE_DATA") else {
        finding.skipped = true;
        finding.notes.push(
            "LIGHTCONE_DATA is not set: no recorded block was checked. Set it to the folder that holds `blocks/`."
                .to_owned(),
        );
        return Ok(finding);
    };
    let folder = Path::new(&data).join("blocks");
    if !folder.is_dir() {
        finding.skipped = true;
        finding.notes.push(format!("{} is no folder: no recorded block was checked.", folder.display()));
        return Ok(finding);
    }
    let files = evm_block::list(folder)?;
    let rates = rates()?;
    let (mut free, mut priced) = (Broken::default(), Broken::default());
    let mut different = 0_u32;
    for file in files.iter().take(effort.pick(2, usize::MAX)) {
        let loaded = evm_block::read(file)?;
        let output = Executor::serial().execute(&loaded.block, &loaded.pre_state)?;
        different += u32::from(evm_block::verify(&loaded, &output).is_err());
        let senders: Vec<_> = loaded.block.transactions.iter().map(|tx| tx.caller).collect();
        let work = BlockTrace::new(&output.transactions, &senders, 0).work(&rates);
        free.add(&work, &Costs::FREE);
        priced.add(&work, &rates.costs);
    }
    free.rows(&mut finding, "no overheads");
    priced.rows(&mut finding, "shipped overheads");
    let sample = format!("{} blocks", free.blocks);
    finding.rows.push(Row::new(
        "recorded blocks checked",
        free.blocks as f64,
        Expected::AtLeast(1.0),
        "blocks",
        &sample,
    ));
    let none = Expected::Exactly(0.0);
    finding.rows.push(Row::new(
        "executions that differ from the chain's record",
        f64::from(different),
        none,
        "blocks",
        &sample,
    ));
    Ok(finding)
}
