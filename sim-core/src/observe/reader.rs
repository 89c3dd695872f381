//! A finished result folder, read back into the records it was written from.
//!
//! What comes back is what [`super::write_results`] was given, so that [`super::analyse`] and [`super::figures`]
//! give the same for a folder as for a run. **Leaves out** [`ExecutionRecord::work`](super::record::ExecutionRecord),
//! which a folder does not hold, what was paid by block ([`FeeRecord`]: it stands with the transactions), and what became
//! of rollups: their tables are not read back. A folder is taken whole or not at all: of another version, half written
//! or damaged, it is an error that names the file.

use super::json::FORMAT;
use super::record::{
    BlockRecord, Breakdown, ExecutionRecord, FeeRecord, Group as BurstGroup, MeshRecord, MessageKind,
    NodeBlockRecord, NodeRecord, Paid, Part, RollupsRecord, RunRecord, TopologyStats, TransactionRecord,
};
use super::tables::reader::{Group, TableError, read};
use super::tables::{snake, transactions::kind_name};
use crate::scenario::plan::{Plan, WorkloadPlan};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Adds the rows of a table to the runs they belong to.
type TakesRows = fn(&Group, &mut Runs<'_>) -> Result<(), TableError>;

/// A result folder cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is no result folder, or an unfinished one.
    #[error(
        "{} is not a finished result folder: it has no manifest.json (a folder is complete once it has one)",
        path.display()
    )]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// Another format.
    #[error("{}: found format {found}; this program reads \"{FORMAT}\"", path.display())]
    Format {
        /// The manifest.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The manifest is no JSON, or something is missing in it.
    #[error("{}: {source}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What and where.
        #[source]
        source: serde_json::Error,
    },
    /// A table is damaged, or of another version.
    #[error("{}: {source}", path.display())]
    Table {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: TableError,
    },
}

/// What `manifest.json` says.
#[derive(Clone, Debug, Deserialize)]
pub struct Manifest {
    /// Name of the scenario.
    pub scenario: String,
    /// Head comment of the scenario.
    pub question: String,
    /// Version of Lightcone that ran it.
    pub version: String,
    /// Command that reproduces it.
    pub command: String,
    /// By run, the base first.
    pub arms: Vec<ManifestArm>,
    /// Facts about the host.
    pub host: BTreeMap<String, String>,
}

/// What `manifest.json` says of one run.
#[derive(Clone, Debug, Deserialize)]
pub struct ManifestArm {
    /// Its name.
    pub name: String,
    /// Its digest.
    pub digest: String,
    /// Events processed.
    pub events: u64,
    /// Simulated end, ns.
    pub end_ns: u64,
    /// Statistics of the graph.
    pub topology: TopologyStats,
    /// What the mesh did, if there was one.
    #[serde(default)]
    pub mesh: Option<MeshRecord>,
    /// Bytes lost, by kind of message.
    pub lost_bytes: [u64; MessageKind::COUNT],
    /// Every k-th node was recorded block by block.
    pub observed_every: u32,
    /// The run's own warnings.
    pub warnings: Vec<String>,
    /// Wall time, s.
    #[serde(default)]
    pub wall_seconds: Option<f64>,
    /// What was run: everything that is needed to run it again.
    pub plan: Plan,
}

/// A finished result folder.
#[derive(Clone, Debug)]
pub struct ResultFolder {
    /// Where it lies.
    pub path: PathBuf,
    /// What was run, and on what.
    pub manifest: Manifest,
    /// By run, the base first.
    pub records: Vec<RunRecord>,
}

/// Reads the manifest of a result folder: plans, digests, versions, without the tables.
///
/// # Errors
/// [`ReadError`]: no finished folder, another format, damaged.
pub fn read_manifest(dir: &Path) -> Result<Manifest, ReadError> {
    let path = dir.join("manifest.json");
    let text = fs::read_to_string(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            ReadError::NoManifest { path: dir.to_owned() }
        }
        _ => ReadError::Io { path: path.clone(), source },
    })?;
    let broken = |source| ReadError::Manifest { path: path.clone(), source };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(broken)?;
    let format = value.get("format");
    if format.and_then(|f| f.as_str()) != Some(FORMAT) {
        let found = format.map_or("nothing".to_owned(), ToString::to_string);
        return Err(ReadError::Format { path, found });
    }
    // From the text, so that an error has its line.
    serde_json::from_str(&text).map_err(broken)
}

/// Reads a result folder.
///
/// # Errors
/// [`ReadError`]; there is no part of a folder.
pub fn read_results(dir: &Path) -> Result<ResultFolder, ReadError> {
    let manifest = read_manifest(dir)?;
    let empty = |arm: &ManifestArm| RunRecord {
        plan: arm.plan.clone(),
        digest: arm.digest.clone(),
        end_ns: arm.end_ns,
        events: arm.events,
        topology: arm.topology.clone(),
        mesh: arm.mesh,
        nodes: Vec::new(),
        blocks: Vec::new(),
        node_blocks: Vec::new(),
        transactions: Vec::new(),
        rollups: RollupsRecord::default(),
        lost_bytes: arm.lost_bytes,
        observed_every: arm.observed_every,
        warnings: arm.warnings.clone(),
    };
    let mut records: Vec<RunRecord> = manifest.arms.iter().map(empty).collect();
    let tables: [(&str, TakesRows); 4] = [
        ("nodes.parquet", nodes),
        ("blocks.parquet", blocks),
        ("node_blocks.parquet", node_blocks),
        ("transactions.parquet", transactions),
    ];
    for (file, take) in tables {
        let path = dir.join(file);
        let mut runs = Runs { records: &mut records };
        read(&path, |group| take(group, &mut runs)).map_err(|source| ReadError::Table { path, source })?;
    }
    Ok(ResultFolder { path: dir.to_owned(), manifest, records })
}

/// The records that rows go to.
struct Runs<'a> {
    records: &'a mut [RunRecord],
}

impl Runs<'_> {
    /// For every row the position of its run.
    fn of(&self, group: &Group) -> Result<Vec<usize>, TableError> {
        let by_name: BTreeMap<&str, usize> =
            self.records.iter().enumerate().map(|(n, r)| (r.plan.name.as_str(), n)).collect();
        let run = |(row, name): (usize, &Option<String>)| {
            let name = name.as_deref().unwrap_or("");
            let unknown = || group.value(row, format!("arm `{name}` is not in the manifest"));
            by_name.get(name).copied().ok_or_else(unknown)
        };
        group.texts("arm")?.iter().enumerate().map(run).collect()
    }
}

/// A number that must fit.
fn narrow(group: &Group, row: usize, value: u64) -> Result<u32, TableError> {
    u32::try_from(value).map_err(|_| group.value(row, format!("{value} is too large")))
}

fn nodes(group: &Group, runs: &mut Runs<'_>) -> Result<(), TableError> {
    let of = runs.of(group)?;
    let [stake, duplicates, first, uplink, execution, due, timely] = whole(
        group,
        [
            "stake",
            "duplicates",
            "first_arrivals",
            "uplink_busy_ns",
            "execution_busy_ns",
            "votes_due",
            "votes_timely",
        ],
    )?;
    let (regions, hardware) = (group.texts("region")?, group.texts("hardware")?);
    let by_kind = |prefix: &str| -> Result<Vec<Vec<u64>>, TableError> {
        MessageKind::ALL.iter().map(|k| group.whole(&format!("{prefix}_{}_bytes", k.name()))).collect()
    };
    let (sent, received) = (by_kind("sent")?, by_kind("received")?);
    for row in 0..group.rows {
        let record = &mut runs.records[of[row]];
        let unknown = |what: &str| group.value(row, format!("its {what} is not in the plan"));
        let region = region(record, regions[row].as_deref()).ok_or_else(|| unknown("region"))?;
        let class = &hardware[row];
        let class = record.plan.nodes.hardware.iter().position(|(c, _)| Some(&c.name) == class.as_ref());
        record.nodes.push(NodeRecord {
            region,
            class: class.ok_or_else(|| unknown("hardware"))? as u32,
            stake: stake[row],
            sent_bytes: std::array::from_fn(|kind| sent[kind][row]),
            received_bytes: std::array::from_fn(|kind| received[kind][row]),
            duplicates: duplicates[row],
            first_arrivals: first[row],
            uplink_busy_ns: uplink[row],
            execution_busy_ns: execution[row],
            votes_due: due[row],
            votes_timely: timely[row],
        });
    }
    Ok(())
}

fn region(record: &RunRecord, name: Option<&str>) -> Option<u32> {
    let regions = &record.plan.network.latency.regions;
    regions.iter().position(|r| Some(r.name.as_str()) == name).map(|at| at as u32)
}

/// Several columns of whole numbers.
fn whole<const N: usize>(group: &Group, names: [&str; N]) -> Result<[Vec<u64>; N], TableError> {
    let columns: Vec<Vec<u64>> = names.iter().map(|n| group.whole(n)).collect::<Result<_, _>>()?;
    Ok(columns.try_into().expect("as many columns as names"))
}

fn blocks(group: &Group, runs: &mut Runs<'_>) -> Result<(), TableError> {
    let of = runs.of(group)?;
    let [chain, slot, height, proposer, start, published, size, transactions] = whole(
        group,
        [
            "chain",
            "slot",
            "height",
            "proposer",
            "slot_start_ns",
            "published_ns",
            "size_bytes",
            "transactions",
        ],
    )?;
    let [gas_used, gas_limit, base_fee, votes, total, timely] = whole(
        group,
        ["gas_used", "gas_limit", "base_fee_wei", "votes_stake", "total_stake", "timely_stake"],
    )?;
    let [metered, hot_gas, hot_surcharge, turned_away] =
        whole(group, ["metered_gas", "hot_gas", "hot_surcharge_wei", "turned_away"])?;
    let [serial, scheduled, critical, longest, cores, aborts, utilisation] = whole(
        group,
        [
            "serial_ns",
            "scheduled_ns",
            "critical_path_ns",
            "longest_transaction_ns",
            "cores",
            "aborts",
            "utilisation_ppm",
        ],
    )?;
    let [canonical, measured, extrapolated] =
        [group.truths("canonical")?, group.truths("measured")?, group.truths("extrapolated")?];
    let (parent, recorded) = (group.numbers("parent")?, group.texts("recorded")?);
    let verified_header = group.maybe_truths("verified_header")?;
    let shares = |what: &str| -> Result<[&[Option<u64>]; 4], TableError> {
        let column = |share: &str| group.numbers(&format!("{what}_{share}_ns"));
        Ok([column("p50")?, column("p90")?, column("p95")?, column("p100")?])
    };
    let (arrival, verified, finality) = (shares("arrival")?, shares("verified")?, shares("final")?);
    for row in 0..group.rows {
        let small = |value: u64| narrow(group, row, value);
        let parent = parent[row].map(small).transpose()?;
        let block = BlockRecord {
            chain: small(chain[row])?,
            slot: small(slot[row])?,
            height: small(height[row])?,
            proposer: small(proposer[row])?,
            parent,
            canonical: canonical[row],
            measured: measured[row],
            slot_start_ns: start[row],
            published_ns: published[row],
            size_bytes: size[row],
            transactions: small(transactions[row])?,
            gas_used: gas_used[row],
            gas_limit: gas_limit[row],
            base_fee_wei: base_fee[row],
            recorded: recorded[row].clone(),
            verified_header: verified_header[row],
            execution: ExecutionRecord {
                serial_ns: serial[row],
                scheduled_ns: scheduled[row],
                critical_path_ns: critical[row],
                longest_transaction_ns: longest[row],
                cores: small(cores[row])?,
                aborts: small(aborts[row])?,
                utilisation_ppm: utilisation[row],
                extrapolated: extrapolated[row],
                work: Vec::new(),
            },
            fees: FeeRecord {
                metered_gas: metered[row],
                hot_gas: hot_gas[row],
                hot_surcharge_wei: hot_surcharge[row],
                turned_away: small(turned_away[row])?,
                ..FeeRecord::default()
            },
            votes_stake: votes[row],
            total_stake: total[row],
            timely_stake: timely[row],
            arrival_quantiles_ns: arrival.map(|q| q[row]),
            verified_quantiles_ns: verified.map(|q| q[row]),
            final_quantiles_ns: finality.map(|q| q[row]),
        };
        runs.records[of[row]].blocks.push(block);
    }
    Ok(())
}

fn node_blocks(group: &Group, runs: &mut Runs<'_>) -> Result<(), TableError> {
    let of = runs.of(group)?;
    let [block, node, hops, executing, down, blobs] =
        whole(group, ["block", "node", "hops", "executing_ns", "down_ns", "blobs_ns"])?;
    let [arrived, verified, finality, sender] = [
        group.numbers("arrived_ns")?,
        group.numbers("verified_ns")?,
        group.numbers("final_ns")?,
        group.numbers("sender")?,
    ];
    let parts = |prefix: &str| -> Result<Vec<&[Option<u64>]>, TableError> {
        Part::ALL.iter().map(|p| group.numbers(&format!("{prefix}_{}_ns", snake(p.name())))).collect()
    };
    let (to_verified, to_final) = (parts("verified")?, parts("final")?);
    for row in 0..group.rows {
        let small = |value: u64| narrow(group, row, value);
        let record = &mut runs.records[of[row]];
        let (block, node) = (small(block[row])?, small(node[row])?);
        if block as usize >= record.blocks.len() || node as usize >= record.nodes.len() {
            return Err(group.value(row, format!("there is no block {block}, or no node {node}")));
        }
        let breakdown = |parts: &[&[Option<u64>]]| -> Option<Breakdown> {
            let mut sum = Breakdown::default();
            for (part, column) in Part::ALL.iter().zip(parts) {
                sum.add(*part, column[row]?);
            }
            Some(sum)
        };
        record.node_blocks.push(NodeBlockRecord {
            block,
            node,
            arrived_ns: arrived[row],
            verified_ns: verified[row],
            final_ns: finality[row],
            sender: sender[row].map(small).transpose()?,
            hops: small(hops[row])?,
            executing_ns: executing[row],
            offline_ns: down[row],
            blobs_ns: blobs[row],
            to_verified: breakdown(&to_verified)
                .ok_or_else(|| group.value(row, "a part of the time to verified has no value"))?,
            to_final: breakdown(&to_final),
        });
    }
    Ok(())
}

fn transactions(group: &Group, runs: &mut Runs<'_>) -> Result<(), TableError> {
    let of = runs.of(group)?;
    let [chain, submitted] = whole(group, ["chain", "submitted_ns"])?;
    let (regions, kinds) = (group.texts("region")?, group.texts("kind")?);
    let [block, included, finality] =
        [group.numbers("block")?, group.numbers("included_ns")?, group.numbers("final_ns")?];
    let measured = group.truths("measured")?;
    let groups = group.texts("group")?;
    let [gas, surcharge, tip] =
        [group.numbers("gas_used")?, group.numbers("surcharge_wei")?, group.numbers("tip_wei")?];
    for row in 0..group.rows {
        let record = &mut runs.records[of[row]];
        let paid = gas[row].zip(surcharge[row]).zip(tip[row]);
        let unknown = |what: &str| group.value(row, format!("its {what} is not in the plan"));
        let region = region(record, regions[row].as_deref()).ok_or_else(|| unknown("region"))?;
        let chain = narrow(group, row, chain[row])?;
        let kind = match record.plan.chains.get(chain as usize).map(|c| &c.workload) {
            Some(WorkloadPlan::Users(users)) => {
                let name = kinds[row].as_deref();
                users.mix.iter().position(|(kind, _)| Some(kind_name(*kind)) == name)
            }
            _ => None,
        };
        let block = block[row].map(|b| narrow(group, row, b)).transpose()?;
        if block.is_some_and(|b| b as usize >= record.blocks.len()) {
            return Err(group.value(row, "there is no such block"));
        }
        record.transactions.push(TransactionRecord {
            chain,
            region,
            kind: kind.ok_or_else(|| unknown("kind"))? as u32,
            submitted_ns: submitted[row],
            block,
            included_ns: included[row],
            final_ns: finality[row],
            measured: measured[row],
            group: BurstGroup::ALL.into_iter().find(|known| Some(known.name()) == groups[row].as_deref()),
            paid: paid.map(|((gas_used, surcharge_wei), tip_wei)| Paid { gas_used, surcharge_wei, tip_wei }),
        });
    }
    Ok(())
}
