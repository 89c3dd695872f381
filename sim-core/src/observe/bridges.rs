//! Journeys and bridges in numbers: how long, how often it goes wrong and why, what it costs, what capital waits.
//!
//! Pure functions of records. Times are taken over all measured journeys that crossed or would have; one that did not
//! end well counts as later than all that did (see [`super::stats`]).

use super::format::{count, duration_or_never, percent, three_digits};
use super::record::{BridgeRecord, CrossingRecord, OUTCOMES, Outcome, RunRecord, TripRecord};
use super::stats::Sample;

/// What became of the travellers of a plan.
#[derive(Clone, Debug)]
pub struct TravellersSummary {
    /// Name of their fleet.
    pub fleet: String,
    /// Their name.
    pub name: String,
    /// The way they cross; `None`: they stay at home.
    pub bridge: Option<String>,
    /// Measured journeys.
    pub started: u64,
    /// Of these by [`OUTCOMES`].
    pub outcomes: [u64; OUTCOMES.len()],
    /// Under way at the end of the run.
    pub under_way: u64,
    /// From start to the traveller's knowing of the end, ns; missing where it did not end well.
    pub completion: Sample,
    /// Mean number of crossings of those that ended well.
    pub hops: Option<f64>,
    /// Value lost by those that ended well, over all they brought.
    pub loss: Option<f64>,
    /// Of that, what bridges kept.
    pub bridge_fees: Option<f64>,
    /// They trade on several rollups at once.
    pub together: bool,
    /// What went through, over all that those brought whose journeys ended.
    pub through: Option<f64>,
    /// Mean of the fees for gas of those that ended, ether.
    pub gas_eth: Option<f64>,
}

impl TravellersSummary {
    /// Share of those that ended that did not end as wished.
    pub fn failure_rate(&self) -> Option<f64> {
        let ended: u64 = self.outcomes.iter().sum();
        let well = self.outcomes[Outcome::Done as usize];
        (ended > 0).then(|| (ended - well) as f64 / ended as f64)
    }
}

/// What became of a bridge.
#[derive(Clone, Debug)]
pub struct BridgeSummary<'a> {
    /// The record.
    pub bridge: &'a BridgeRecord,
    /// Measured crossings.
    pub crossings: u64,
    /// From asking to arriving, ns.
    pub times: Sample,
    /// From being sent to what it waits for, ns.
    pub waits: Sample,
    /// What crossed, over a pool that holds all liquidity.
    pub value: f64,
    /// Fees over it.
    pub fee: Option<f64>,
    /// Crossings whose relayer had too little when they came.
    pub waited: u64,
}

/// Travellers of all fleets of a run.
pub fn travellers(run: &RunRecord) -> Vec<TravellersSummary> {
    let mut found = Vec::new();
    for (index, fleet) in run.plan.rollups.iter().enumerate() {
        let chain = (run.plan.chains.len() + index) as u32;
        for (number, plan) in (0..).zip(&fleet.travellers) {
            let of = |trip: &&TripRecord| trip.chain == chain && trip.travellers == number && trip.measured;
            let trips = || run.rollups.trips.iter().filter(of);
            let well = |trip: &&TripRecord| trip.loss.is_some();
            let mut outcomes = [0; OUTCOMES.len()];
            for outcome in trips().filter_map(|trip| trip.outcome) {
                outcomes[outcome as usize] += 1;
            }
            let brought: f64 = trips().filter(well).map(|trip| trip.size).sum();
            let by_value = |get: &dyn Fn(&TripRecord) -> f64| {
                (brought > 0.0).then(|| trips().filter(well).map(|t| t.size * get(t)).sum::<f64>() / brought)
            };
            let ended = || trips().filter(|trip| trip.outcome.is_some());
            let wished: f64 = ended().map(|trip| trip.size).sum();
            let through: f64 = ended().map(|trip| trip.size * trip.through).sum();
            let paid_wei: u128 = ended().map(|trip| trip.paid_wei).sum();
            let over = ended().count();
            let many = trips().filter(well).count();
            let hops: u32 = trips().filter(well).map(|trip| trip.hops).sum();
            let took = |trip: &TripRecord| {
                trip.ended_ns.filter(|_| trip.loss.is_some()).map(|ns| ns - trip.started_ns)
            };
            found.push(TravellersSummary {
                fleet: fleet.name.clone(),
                name: plan.name.clone(),
                bridge: plan.policy.bridge().map(|bridge| fleet.bridges[bridge as usize].name.clone()),
                started: trips().count() as u64,
                outcomes,
                under_way: trips().filter(|trip| trip.outcome.is_none()).count() as u64,
                completion: trips().map(took).collect(),
                hops: (many > 0).then(|| f64::from(hops) / many as f64),
                loss: by_value(&|trip| trip.loss.unwrap_or(0.0)),
                bridge_fees: by_value(&|trip| trip.bridge_fees),
                together: plan.policy.is_together(),
                through: (wished > 0.0).then(|| through / wished),
                gas_eth: (over > 0).then(|| paid_wei as f64 / 1e18 / over as f64),
            });
        }
    }
    found
}

/// Bridges of all fleets of a run.
pub fn bridges(run: &RunRecord) -> Vec<BridgeSummary<'_>> {
    let mut found: Vec<BridgeSummary<'_>> = Vec::new();
    for (place, bridge) in run.rollups.bridges.iter().enumerate() {
        let before = run.rollups.bridges[..place].iter().filter(|other| other.chain == bridge.chain);
        let number = before.count() as u32;
        let of = |c: &&CrossingRecord| c.chain == bridge.chain && c.bridge == number && c.measured;
        let crossings = || run.rollups.crossings.iter().filter(of);
        let sent = || crossings().filter(|c| c.sent_ns.is_some());
        let value: f64 = sent().map(|c| c.amount).sum();
        let fees: f64 = sent().map(|c| c.fee).sum();
        let since = |from: Option<u64>, to: Option<u64>| Some(to? - from?);
        found.push(BridgeSummary {
            bridge,
            crossings: crossings().count() as u64,
            times: crossings().map(|c| since(Some(c.asked_ns), c.arrived_ns)).collect(),
            waits: sent().map(|c| since(c.sent_ns, c.ready_ns)).collect(),
            value,
            fee: (value > 0.0).then(|| fees / value),
            waited: crossings().filter(|c| c.waited).count() as u64,
        });
    }
    found
}

/// What became of a run's bridges and travellers, in lines; none where there are none.
pub fn lines(run: &RunRecord) -> Vec<String> {
    let mut lines = Vec::new();
    for found in travellers(run) {
        let reasons = OUTCOMES.iter().zip(found.outcomes).filter(|(_, many)| *many > 0);
        let reasons: Vec<String> = reasons.map(|(name, many)| format!("{} {name}", count(many))).collect();
        let [p50, p95, p99] = [500, 950, 990].map(|p| duration_or_never(found.completion.percentile(p)));
        let part = |share: Option<f64>| share.map_or("-".to_owned(), percent);
        let mut line = format!(
            "{}: {}, {}: {} journeys: {}, {} under way; p50 {p50}, p95 {p95}, p99 {p99}; failed {}; lost {} of the value, \
             bridges kept {}; {} crossings each",
            run.plan.name,
            found.fleet,
            found.name,
            count(found.started),
            if reasons.is_empty() { "none ended".to_owned() } else { reasons.join(", ") },
            count(found.under_way),
            part(found.failure_rate()),
            part(found.loss),
            part(found.bridge_fees),
            found.hops.map_or("-".to_owned(), three_digits),
        );
        if found.together {
            let gas = found.gas_eth.map_or("-".to_owned(), |eth| three_digits(eth * 1e9));
            line.push_str(&format!("; {} of all went through; {gas} gwei of gas each", part(found.through)));
        }
        lines.push(line);
    }
    for found in bridges(run) {
        let [p50, p95] = [500, 950].map(|p| duration_or_never(found.times.percentile(p)));
        let bridge = found.bridge;
        let mut line = format!(
            "  bridge {} ({}): {} crossings of {} pools in all, there after p50 {p50}, p95 {p95}; kept {}",
            bridge.name,
            bridge.kind,
            count(found.crossings),
            three_digits(found.value),
            found.fee.map_or("-".to_owned(), percent),
        );
        if bridge.idle_mean + bridge.owed_mean > 0.0 {
            line.push_str(&format!(
                "; relayers had {} pools at hand and were owed {} (means); {} orders waited for them",
                three_digits(bridge.idle_mean),
                three_digits(bridge.owed_mean),
                count(found.waited),
            ));
        }
        if bridge.claims > 0 {
            let eth = bridge.claims_wei as f64 / 1e18;
            line.push_str(&format!(
                "; {} claims on the L1 paid {} eth",
                count(bridge.claims),
                three_digits(eth)
            ));
        }
        lines.push(line);
    }
    lines
}
