//! `check`: what was understood, warnings, and what it will cost.

use crate::failure::Failure;
use crate::memory;
use crate::task::CheckTask;
use sim_core::scenario::describe::{describe, differences, write_plan};
use sim_core::scenario::estimate::estimate;
use sim_core::scenario::{Scenario, error};
use std::io::Write;

pub fn check(task: &CheckTask, out: &mut dyn Write) -> Result<(), Failure> {
    let scenario = Scenario::load_with(&task.file, &task.changes)?;
    let Some((notation, arm)) = &task.resolved else {
        return report(&scenario, out);
    };
    let Some(plan) = scenario.plans().find(|p| p.name == *arm) else {
        let names: Vec<String> = scenario.plans().map(|p| p.name.clone()).collect();
        let meant =
            error::closest(arm, &names).map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
        let message =
            format!("{}: there is no arm `{arm}`{meant} allowed: {}", task.file.display(), names.join(", "));
        return Err(Failure::BadInput(message));
    };
    let text = write_plan(plan, *notation).map_err(Failure::Failed)?;
    Ok(writeln!(out, "{text}")?)
}

fn report(scenario: &Scenario, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "{}", scenario.path.display())?;
    let mut line = |label: &str, text: &str| writeln!(out, "  {label:<12} {text}");
    if let Some(question) = scenario.question() {
        line("question", question)?;
    }
    line("preset", &scenario.preset)?;
    for (label, text) in describe(&scenario.base) {
        line(&label, &text)?;
    }
    for arm in &scenario.arms {
        line("arm", &arm.name)?;
        for difference in differences(&scenario.base, arm) {
            line("", &difference)?;
        }
    }
    line("cost", &estimate(&scenario.base).to_string())?;
    for warning in &scenario.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    // Last, so that what was understood can be read above the refusal.
    affordable(scenario)?;
    let verdict = match scenario.warnings.len() {
        0 => "fine".to_owned(),
        1 => "fine, with a warning".to_owned(),
        n => format!("fine, with {n} warnings"),
    };
    Ok(writeln!(out, "{verdict}")?)
}

/// Refuses a scenario of which an arm cannot be run on this machine.
pub fn affordable(scenario: &Scenario) -> Result<(), Failure> {
    let available = memory::available_bytes();
    for plan in scenario.plans() {
        let checked = estimate(plan).check(&plan.name, available);
        checked.map_err(|e| Failure::BadInput(format!("{}: {e}", scenario.path.display())))?;
    }
    Ok(())
}
