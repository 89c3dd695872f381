//! What work costs.
//!
//! **Captures** a linear model: each class of work has a price per unit on the reference core, in picoseconds;
//! a transaction costs the sum over its work vector. Beside that: sender recovery, the costs of parallel
//! scheduling, state root and commit per touched key, slow-down by busy cores. **Leaves out** caches,
//! branch prediction and the difference between a value at hand and one that is not, beyond the classes.
//! **Parameters** [`CostProfile`], one file each in `data/profiles/`. **Source** stated in every profile.
//! **Checked against** measured serial times of recorded blocks (`tests/execution_blocks.rs`).
//!
//! Measured speed enters simulated time only through such a file; host time never does.

use super::virtual_cores::Costs;
use crate::execution::params::CostProfile;
use parallel_evm::{WorkClass, WorkVector};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use thiserror::Error;

/// The profiles that come with the simulator, by name.
const BUILT_IN: [(&str, &str); 2] = [
    ("disk-2026", include_str!("../../data/profiles/disk-2026.ron")),
    ("revm43-memory-2026", include_str!("../../data/profiles/revm43-memory-2026.ron")),
];

/// The highest price of a unit of work, ps: a second.
pub const PRICE_MAX_PS: u64 = 1_000_000_000_000;

/// Why a cost profile cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// Not RON, or not a profile.
    #[error("not a cost profile: {0}")]
    Malformed(String),
    /// A class that no transaction can have.
    #[error("profile {profile:?} prices an unknown class of work {class:?}{}", suggestion(class))]
    UnknownClass {
        /// The profile's name.
        profile: String,
        /// The unknown class.
        class: String,
    },
    /// A class without a price; a class that costs nothing is priced 0.
    #[error("profile {profile:?} has no price for the class of work {class:?}")]
    MissingClass {
        /// The profile's name.
        profile: String,
        /// The missing class.
        class: &'static str,
    },
    /// A price above [`PRICE_MAX_PS`].
    #[error(
        "profile {profile:?}: {price} is {found} ps, more than the {PRICE_MAX_PS} ps (one second) allowed"
    )]
    Price {
        /// The profile's name.
        profile: String,
        /// Which price.
        price: String,
        /// Its value, ps.
        found: u64,
    },
    /// An efficiency outside 1..=1_000_000 ppm, or no efficiency at all.
    #[error("profile {profile:?}: core_efficiency_ppm must list one or more values in 1..=1_000_000")]
    Efficiency {
        /// The profile's name.
        profile: String,
    },
}

fn suggestion(class: &str) -> String {
    let best = WorkClass::names()
        .into_iter()
        .map(|name| (strsim::levenshtein(class, name), name))
        .min()
        .filter(|(distance, _)| *distance <= 4);
    best.map_or_else(String::new, |(_, name)| format!(" (did you mean {name:?}?)"))
}

/// Names of the built-in profiles, sorted.
pub fn names() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(name, _)| *name).collect()
}

/// A built-in profile.
pub fn named(name: &str) -> Option<CostProfile> {
    static PROFILES: [OnceLock<CostProfile>; BUILT_IN.len()] = [const { OnceLock::new() }; BUILT_IN.len()];
    let at = BUILT_IN.iter().position(|(built_in, _)| *built_in == name)?;
    let read = || parse(BUILT_IN[at].1).expect("built-in profiles are checked by a test");
    Some(PROFILES[at].get_or_init(read).clone())
}

/// Reads a profile from RON and checks it.
///
/// # Errors
/// What is wrong with the text or the profile.
pub fn parse(text: &str) -> Result<CostProfile, ProfileError> {
    let profile: CostProfile =
        ron::from_str(text).map_err(|error| ProfileError::Malformed(error.to_string()))?;
    Rates::new(&profile)?;
    Ok(profile)
}

/// A checked profile with its prices in the order of [`WorkClass::ALL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    unit_ps: [u64; WorkClass::COUNT],
    /// Recovering one sender's key, ps.
    pub sender_recovery_ps: u64,
    /// State root and database commit per touched key, ps.
    pub state_root_key_ps: u64,
    /// What scheduling costs.
    pub costs: Costs,
    /// Core counts above this were not measured.
    pub measured_cores: u32,
}

impl Rates {
    /// Checks a profile: every class of work has a price and nothing else has, efficiencies are sane.
    ///
    /// # Errors
    /// What is wrong with the profile.
    pub fn new(profile: &CostProfile) -> Result<Self, ProfileError> {
        let name = || profile.name.clone();
        for class in profile.unit_ps.keys() {
            if !WorkClass::names().contains(&class.as_str()) {
                return Err(ProfileError::UnknownClass { profile: name(), class: class.clone() });
            }
        }
        let mut unit_ps = [0; WorkClass::COUNT];
        for class in WorkClass::ALL {
            unit_ps[class as usize] = *profile
                .unit_ps
                .get(class.name())
                .ok_or_else(|| ProfileError::MissingClass { profile: name(), class: class.name() })?;
        }
        let named = [
            ("sender_recovery_ps", profile.sender_recovery_ps),
            ("state_root_key_ps", profile.state_root_key_ps),
            ("dispatch_ps", profile.dispatch_ps),
            ("versioned_access_ps", profile.versioned_access_ps),
            ("validate_read_ps", profile.validate_read_ps),
            ("commit_write_ps", profile.commit_write_ps),
        ];
        let by_class = profile.unit_ps.iter().map(|(class, ps)| (class.as_str(), *ps));
        if let Some((price, found)) = by_class.chain(named).find(|(_, ps)| *ps > PRICE_MAX_PS) {
            return Err(ProfileError::Price { profile: name(), price: price.to_owned(), found });
        }
        let efficiency = &profile.core_efficiency_ppm;
        if efficiency.is_empty() || efficiency.iter().any(|ppm| !(1..=1_000_000).contains(ppm)) {
            return Err(ProfileError::Efficiency { profile: name() });
        }
        Ok(Self {
            unit_ps,
            sender_recovery_ps: profile.sender_recovery_ps,
            state_root_key_ps: profile.state_root_key_ps,
            costs: Costs {
                dispatch_ps: profile.dispatch_ps,
                versioned_access_ps: profile.versioned_access_ps,
                validate_read_ps: profile.validate_read_ps,
                commit_write_ps: profile.commit_write_ps,
                core_efficiency_ppm: efficiency.clone(),
            },
            measured_cores: profile.measured_cores,
        })
    }

    /// Time of some work on the reference core, ps: the sum of units times prices. Saturates.
    pub fn work_ps(&self, work: &WorkVector) -> u64 {
        let total: u128 = work
            .counts()
            .iter()
            .zip(&self.unit_ps)
            .map(|(units, price)| u128::from(*units) * u128::from(*price))
            .sum();
        u64::try_from(total).unwrap_or(u64::MAX)
    }
}

/// Time of a transaction on the reference core, ps. For many transactions make [`Rates`] once.
///
/// # Errors
/// What is wrong with the profile.
pub fn transaction_ps(work: &WorkVector, profile: &CostProfile) -> Result<u64, ProfileError> {
    Ok(Rates::new(profile)?.work_ps(work))
}

/// Work units summed over transactions, by class in the order of the classes' names: the order of a profile's
/// `unit_ps`.
pub fn work_by_name<'a>(works: impl IntoIterator<Item = &'a WorkVector>) -> Vec<u64> {
    let mut sums = [0_u64; WorkClass::COUNT];
    for work in works {
        for (sum, units) in sums.iter_mut().zip(work.counts()) {
            *sum += u64::from(*units);
        }
    }
    let by_name: BTreeMap<&str, u64> = WorkClass::names().into_iter().zip(sums).collect();
    by_name.into_values().collect()
}
