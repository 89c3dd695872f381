//! What can be changed while a simulation runs: the seam to the simulator's interventions.

use sim_core::simulation::Simulation;

/// A change of the running simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What, in words.
    pub words: String,
}

/// A change and when it takes effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Intervention {
    /// When, ns of simulated time.
    pub at_ns: u64,
    /// What.
    pub change: Change,
}

/// All interventions of a simulation, those to come included.
pub fn list(_simulation: &Simulation) -> Vec<Intervention> {
    Vec::new()
}

/// Makes a change at the simulation's present time.
///
/// # Errors
/// Why the simulation cannot be changed so.
pub fn apply(_simulation: &mut Simulation, change: Change) -> Result<Intervention, String> {
    Err(format!("{}: this version of the simulator takes no interventions", change.words))
}

/// Replaces the interventions; those in force must be among them.
///
/// # Errors
/// Why not.
pub fn replace(_simulation: &mut Simulation, list: &[Intervention]) -> Result<(), String> {
    if list.is_empty() {
        Ok(())
    } else {
        Err("this version of the simulator takes no interventions".to_owned())
    }
}

/// A change in words.
pub fn words(change: &Change, _plan: Option<&std::sync::Arc<sim_core::scenario::plan::Plan>>) -> String {
    change.words.clone()
}
