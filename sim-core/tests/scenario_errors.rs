//! Bad input: one message with the place, the field, what is allowed and a suggestion; never a panic.

use sim_core::scenario::{Changes, Library, Scenario, ScenarioError, presets};
use std::path::Path;

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::parse(text, Path::new("test.ron"), &Library::default(), &Changes::default())
}

fn with_set(text: &str, set: &[&str]) -> Result<Scenario, ScenarioError> {
    let changes = Changes { set: set.iter().map(|s| (*s).to_owned()).collect(), ..Changes::default() };
    Scenario::parse(text, Path::new("test.ron"), &Library::default(), &changes)
}

/// A scenario with one more line, its third; the error's line tells whether the place is right.
fn message(line: &str) -> String {
    match parse(&format!("(\n  version: 1,\n  {line}\n)")) {
        Ok(_) => panic!("accepted: {line}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn bad_values_name_their_line_column_field_and_what_is_allowed() {
    // line 3 of the file, then snippets of the message.
    let cases: &[(&str, &[&str])] = &[
        // Names.
        ("sede: 7,", &["test.ron:3:3: sede:", "no field `sede`", "did you mean `seed`?"]),
        (
            "network: (gosip: Flood),",
            &["test.ron:3:13: network.gosip:", "did you mean `gossip`?", "topology"],
        ),
        ("network: (gossip: Flod),", &["test.ron:3:21: network.gossip:", "`Flod`", "did you mean `Flood`?"]),
        ("network: (gossip: Gossipsub(mash: 8)),", &["test.ron:3:31: network.gossip.mash:", "`mesh`?"]),
        ("network: (latency: \"aws-2062\"),", &["test.ron:3:22: network.latency:", "`aws-2026`?"]),
        ("nodes: (regions: \"etherium-2026\"),", &["3:20: nodes.regions:", "`ethereum-2026`?"]),
        ("nodes: (hardware: { \"atester\": 1 }),", &["nodes.hardware.atester:", "`attester`?"]),
        ("nodes: (regions: { \"eu-central-9\": 1 }),", &["no region `eu-central-9`", "`eu-central-1`?"]),
        ("base: \"ethereum-2025\",", &["test.ron:3:9: base:", "did you mean `ethereum-2026`?"]),
        ("execution: (profile: \"disk-2062\"),", &["execution.profile:", "did you mean `disk-2026`?"]),
        ("workload: Users(mix: { \"erc21\": 1 }),", &["workload.mix.erc21:", "did you mean `erc20`?"]),
        // Units.
        (
            "chain: (slot: \"2 sec\"),",
            &["test.ron:3:17: chain.slot:", "`sec` is not a unit", "ns, us, ms, s"],
        ),
        ("chain: (slot: 2),", &["test.ron:3:17: chain.slot:", "no unit", "ms"]),
        ("chain: (slot: \"-2 s\"),", &["chain.slot:", "negative"]),
        ("chain: (slot: \"0.1 ns\"),", &["would lose precision", "1 ns"]),
        ("chain: (gas_limit: \"30 Mgaz\"),", &["chain.gas_limit:", "did you mean `Mgas`?"]),
        ("chain: (slot: 2 s),", &["test.ron:3:"]),
        ("workload: Users(rate: \"2500 t/s\"),", &["workload.rate:", "tx/s"]),
        // Absurd numbers.
        ("nodes: (count: 1e12),", &["3:18: nodes.count: 1,000,000,000,000 is too much", "10,000,000"]),
        ("nodes: (count: -5),", &["3:18: nodes.count:", "-5", "a whole number"]),
        ("nodes: (count: 0),", &["nodes.count: 0 is too little"]),
        ("nodes: (count: 10.5),", &["nodes.count:", "a whole number"]),
        ("nodes: (count: \"many\"),", &["nodes.count:", "\"many\"", "a whole number"]),
        ("network: (bandwidth: \"0x\"),", &["network.bandwidth: 0x is too little"]),
        ("network: (bandwidth: -1),", &["network.bandwidth:", "negative"]),
        ("network: (latency: \"0x\"),", &["network.latency_scale: 0x is too little"]),
        ("network: (latency: \"-1x\"),", &["negative"]),
        (
            "nodes: (hardware: { \"x\": (up: \"0 bit/s\", down: \"1 Mbit/s\", cores: 1) }),",
            &["nodes.hardware.x.up: 0 bit/s"],
        ),
        (
            "nodes: (hardware: { \"x\": (up: \"1 Mbit/s\", cores: 1) }),",
            &["nodes.hardware.x:", "`down` is missing"],
        ),
        ("nodes: (hardware: {}),", &["3:21: nodes.hardware:", "empty"]),
        ("nodes: (regions: {}),", &["3:20: nodes.regions:", "empty"]),
        ("nodes: (regions: { \"eu-central-1\": 0 }),", &["nodes.regions:", "empty"]),
        ("nodes: (stake: Given([0, 0])),", &["nodes.stake:", "no node has any stake"]),
        ("workload: Users(mix: {}),", &["3:24: workload.mix:", "empty"]),
        ("run: (blocks: 0),", &["3:17: run.blocks: 0 is too little"]),
        ("execution: (speed: 0),", &["execution.speed: 0x is too little"]),
        ("execution: (cores: 0),", &["execution.cores: 0 is too little"]),
        // Things that do not go together.
        ("chain: (slot: \"2 s\", attest_by: \"2 s\"),", &["3:35: chain.attest_by:", "not inside the slot"]),
        ("consensus: Slots(aggregate_by: \"1 s\"),", &["3:34: consensus.aggregate_by:", "deadline"]),
        ("nodes: (count: 11), network: (topology: RandomRegular(degree: 3)),", &["odd", "even"]),
        ("nodes: (count: 10), network: (topology: RandomRegular(degree: 10)),", &["10 is too much"]),
        (
            "nodes: (count: 10),",
            &["test.ron:3:18: nodes.count:", "10 nodes are too few for the preset's degree of 20"],
        ),
        ("network: (gossip: Gossipsub(mesh: 8, mesh_low: 9)),", &["network.gossip.mesh_low: 9 is too much"]),
        ("network: (latency: \"0.5x\", latency_scale: 2),", &["scaled twice"]),
        // Forms.
        ("network: Flood,", &["test.ron:3:12: network:", "a group of fields"]),
        (
            "network: (topology: File(\"absent.csv\")),",
            &["network.topology:", "absent.csv", "does not exist"],
        ),
        ("workload: Blocks([]),", &["workload:", "no block is named"]),
        ("workload: Blocks(\"${HOME}/x\"),", &["no variable `HOME`", "LIGHTCONE_DATA"]),
        ("workload: Blocks(\"${LIGHTCONE_DATA}/x\"),", &["LIGHTCONE_DATA is not set", "help:"]),
        ("seed: 1, seed: 2,", &["test.ron:3:12:", "`seed` is given twice"]),
        ("chains: [(chain: (slot: \"1 s\"))],", &["chains.0:", "needs a name"]),
        ("chains: [(name: \"b\", execution: (cores: 0))],", &["3:43: chains.0.execution.cores:"]),
        ("chains: [(name: \"main\")],", &["chains.0.name:", "two chains are called `main`"]),
        // Arms.
        (
            "compare: [(\"a\", { \"network.gosip\": Flood })],",
            &["test.ron:3:21: network.gosip:", "`gossip`?"],
        ),
        ("compare: [(\"a\", { \"chain.slot\": \"1 sek\" })],", &["3:35: chain.slot:", "`sek`"]),
        ("compare: [(\"a\", { \"base\": \"x\" })],", &["`base` cannot be changed"]),
        ("compare: [(\"a\", {}), (\"a\", {})],", &["two arms are called `a`"]),
        ("compare: [(\"base\", {})],", &["`base` is the name"]),
        ("compare: [\"a\"],", &["compare.0:", "expected an arm"]),
        ("compare: [(\"a\", { \"seed.x\": 1 })],", &["seed is the number 1", "no field `x`"]),
        // Interventions.
        (
            "interventions: [(at: \"3 s\", change: Kill(Region(\"eu-central-9\")))],",
            &["test.ron:3:", "interventions.0.change.Kill:", "no region `eu-central-9`", "`eu-central-1`?"],
        ),
        (
            "interventions: [(at: \"3 s\", change: Bandwidth(factor: 0.5, of: Node(1000)))],",
            &["3:66: interventions.0.change.of:", "no node 1000", "there are 1000"],
        ),
        (
            "interventions: [(at: \"3 s\", change: Latency(\"0x\"))],",
            &["interventions.0.change:", "0x is too little; allowed: 0.001x to 1000x"],
        ),
        (
            "interventions: [(at: \"3 s\", change: Bandwidth(factor: 1000))], network: (bandwidth: 1000),",
            &["interventions.0.change:", "makes a link of class"],
        ),
        ("interventions: [(at: \"3 s\", change: Load(2000000))],", &["interventions.0.change:", "too much"]),
        (
            "interventions: [(at: \"3 s\", change: Cores(0))],",
            &["interventions.0.change:", "0 is too little"],
        ),
        ("interventions: [(at: \"3 s\", change: GasLimit(\"7 gas\"))],", &["7 gas is too little", "21 kgas"]),
        ("interventions: [(at: 3, change: Cores(1))],", &["interventions.0.at:", "has no unit"]),
        ("interventions: [(at: \"-3 s\", change: Cores(1))],", &["interventions.0.at:", "negative"]),
        (
            "interventions: [(at: \"3 s\", change: Bandwith(factor: 2))],",
            &["3:39: interventions.0.change:", "did you mean `Bandwidth`?", "ExecutionSpeed"],
        ),
        ("interventions: [(at: \"3 s\")],", &["interventions.0:", "`change` is missing"]),
        ("interventions: [(change: Cores(1))],", &["interventions.0:", "`at` is missing"]),
        ("interventions: Cores(1),", &["3:18: interventions:"]),
        (
            "compare: [(\"a\", { \"interventions\": [(at: \"3 s\", change: Kill(Region(\"x\")))] })],",
            &["interventions.0.change.Kill:", "no region `x`"],
        ),
        // Syntax.
        ("network: (", &["test.ron:", "never closed"]),
        ("seed: \"7,", &["test.ron:3:9:", "never closed"]),
        ("seed 7,", &["test.ron:3:8:", "`:` is expected"]),
        ("seed: 7 run: (),", &["test.ron:3:11:", "`,`"]),
        ("seed: @,", &["test.ron:3:9:", "`@`"]),
    ];
    let mut wrong = Vec::new();
    for (line, snippets) in cases {
        let message = message(line);
        let missing = snippets.iter().filter(|snippet| !message.contains(**snippet));
        wrong.extend(missing.map(|snippet| format!("for `{line}` expected `{snippet}` in:\n{message}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_file_that_is_no_scenario_says_so() {
    for (text, snippet) in [
        ("", "the text ends where a value is expected"),
        ("()", "expected a scenario"),
        ("[1]", "expected a scenario"),
        ("(seed: 1)", "add `version: 1`"),
        ("(version: 2)", "reads version 1"),
        ("(version: 1) x", "after the end"),
    ] {
        let message = parse(text).unwrap_err().to_string();
        assert!(message.contains(snippet), "{text}: {message}");
    }
    let error = Scenario::load("no/such/file.ron").unwrap_err().to_string();
    assert!(error.starts_with("no/such/file.ron: there is no such file"), "{error}");
}

#[test]
fn a_message_shows_the_line_with_a_caret_under_the_column() {
    let message = message("nodes: (count: 0),");
    assert_eq!(
        message,
        "test.ron:3:18: nodes.count: 0 is too little; allowed: 2 to 10,000,000\n     \
         3 |   nodes: (count: 0),\n       |                  ^"
    );
}

#[test]
fn a_wrong_set_argument_is_named_instead_of_a_line() {
    for (set, snippet) in [
        ("network.gosip=Flood", "--set network.gosip=Flood: network.gosip: there is no field"),
        ("network.gossip=Flod", "--set network.gossip=Flod: network.gossip: `Flod`"),
        ("network.gossip=Gossipsub(mesh: 0)", "network.gossip.mesh: 0 is too little"),
        ("network.gossip=Gossipsub(mesh", "never closed"),
        ("execution.cores", "there is no `=`"),
        ("=4", "no path before the `=`"),
        ("seed=", "no value after the `=`"),
        ("chain.slot=5", "no unit"),
        ("version=2", "`version` cannot be changed"),
        ("a..b=1", "is not a path"),
        ("chains.0.name=x", "chains"),
    ] {
        let message = with_set("(version: 1)", &[set]).unwrap_err().to_string();
        assert!(message.contains(snippet), "{set}: {message}");
        assert!(message.starts_with("--set "), "{set}: {message}");
    }
}

#[test]
fn an_error_in_a_preset_cannot_happen_but_one_caused_by_overriding_it_names_the_override() {
    let error = with_set("(version: 1)", &["chain.slot=100 ms", "chain.attest_by=1 s"]).unwrap_err();
    assert!(error.to_string().starts_with("--set 'chain.attest_by=1 s': chain.attest_by:"), "{error}");
}

#[test]
fn parameters_without_effect_are_warned_about() {
    let cases = [
        ("execution: (algorithm: Serial, cores: 4),", "execution.cores", "Serial uses one core"),
        (
            "consensus: Broadcast(), workload: Empty, chain: (gas_limit: \"1 Mgas\"),",
            "chain.gas_limit",
            "Broadcast",
        ),
        (
            "network: (gossip: Gossipsub(idontwant: false, idontwant_threshold: \"1 B\")),",
            "network.gossip.idontwant_threshold",
            "idontwant is off",
        ),
        ("network: (topology: RandomRegular(degree: 4)),", "network.topology", "cannot be filled"),
        ("run: (blocks: 1, warm_up: 9),", "run.warm_up", "thrown away"),
        (
            "consensus: Broadcast(), workload: Empty, network: (forward: AfterExecution),",
            "network.forward",
            "passed on at once",
        ),
        ("workload: Users(compute_iterations: 5),", "workload.compute_iterations", "no compute"),
        (
            "interventions: [(at: \"1 h\", change: Latency(2))],",
            "interventions.0.at",
            "the run ends at 7.6 min",
        ),
        (
            "workload: Empty, interventions: [(at: \"1 s\", change: GasLimit(\"30 Mgas\"))],",
            "interventions.0.change",
            "no blocks are filled",
        ),
        (
            "workload: Empty, interventions: [(at: \"1 s\", change: Load(2))],",
            "interventions.0.change",
            "no users",
        ),
        (
            "workload: Empty, interventions: [(at: \"1 s\", change: ExecutionSpeed(2))],",
            "interventions.0.change",
            "nothing is executed",
        ),
        (
            "interventions: [(at: \"1 s\", change: Cores(2))],",
            "interventions.0.change",
            "Serial uses one core",
        ),
        (
            "interventions: [(at: \"2 s\", change: Kill(Node(1))), (at: \"1 s\", change: Restore(Node(1)))],",
            "interventions.1.change",
            "no node is down",
        ),
        (
            "nodes: (regions: { \"eu-central-1\": 1 }), interventions: [(at: \"1 s\", change: Kill(Region(\"us-east-1\")))],",
            "interventions.0.change",
            "no node is in this region",
        ),
        ("compare: [(\"same\", {})],", "compare \"same\"", "same as the base"),
        (
            "network: (bandwidth: 2), compare: [(\"x\", { \"network.bandwidth\": 3 })],",
            "compare \"x\"",
            "not 3x of",
        ),
    ];
    for (line, path, snippet) in cases {
        let scenario = parse(&format!("(\n  version: 1,\n  {line}\n)")).unwrap_or_else(|e| panic!("{e}"));
        let found = scenario.warnings.iter().any(|w| w.path == path && w.message.contains(snippet));
        assert!(found, "{line}: {:?}", scenario.warnings);
        assert!(scenario.warnings.iter().all(|w| w.place.line == 3), "{:?}", scenario.warnings);
    }
    // Used by one arm, so not written in vain.
    let text = "(version: 1, execution: (algorithm: Serial, cores: 4),
        compare: [(\"p\", { \"execution.algorithm\": BlockStm })])";
    assert_eq!(parse(text).unwrap().warnings, []);
}

mod mutations {
    use super::*;
    use proptest::prelude::*;

    const TEXTS: [&str; 6] = [
        include_str!("../../scenarios/quickstart.ron"),
        include_str!("../../scenarios/serial-vs-parallel.ron"),
        include_str!("../../scenarios/bandwidth-wall.ron"),
        include_str!("../../scenarios/mainnet-blocks.ron"),
        presets::STARTER,
        "{\"version\": 1, \"network\": {\"gossip\": {\"Gossipsub\": {\"mesh\": 4}}, \"latency\": \"\\u0030.5x\"}}",
    ];
    const TOKENS: [&str; 28] = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "'",
        "/*",
        "*/",
        "//",
        "-",
        "1e308",
        "-1",
        "99999999999999999999999",
        "0",
        "0x",
        "\\u{110000}",
        "\\ud800",
        "é",
        "None",
        "Some(",
        "()",
        "r#\"",
        "Flood",
        "\u{feff}",
    ];

    /// One edit: cut, repeat or replace a stretch, or put in a token.
    fn edit(
        text: &str,
        kind: u8,
        from: prop::sample::Index,
        length: usize,
        token: prop::sample::Index,
    ) -> String {
        let chars: Vec<char> = text.chars().collect();
        if chars.is_empty() {
            return (*token.get::<&str>(&TOKENS)).to_owned();
        }
        let start = from.index(chars.len());
        let end = (start + length).min(chars.len());
        let middle: String = chars[start..end].iter().collect();
        let (head, tail): (String, String) = (chars[..start].iter().collect(), chars[end..].iter().collect());
        match kind {
            0 => head + &tail,
            1 => head + &middle + &middle + &tail,
            2 => head + token.get::<&str>(&TOKENS) + &tail,
            _ => head + token.get::<&str>(&TOKENS) + &middle + &tail,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_mutated_scenario_is_read_or_refused_and_never_panics(
            which in 0..TEXTS.len(),
            edits in prop::collection::vec(
                (0u8..4, any::<prop::sample::Index>(), 0usize..12, any::<prop::sample::Index>()), 1..5),
        ) {
            let mut text = TEXTS[which].to_owned();
            for (kind, from, length, token) in edits {
                text = edit(&text, kind, from, length, token);
            }
            match parse(&text) {
                Ok(scenario) => prop_assert!(scenario.base.nodes.count >= 2),
                Err(error) => {
                    prop_assert!(!error.details().problem.is_empty());
                    prop_assert!(error.to_string().starts_with("test.ron"), "{error}");
                }
            }
        }

        #[test]
        fn any_set_argument_is_taken_or_refused_and_never_panics(
            path in "[a-z_.0-9]{0,24}", value in "\\PC{0,16}",
        ) {
            let _ = with_set("(version: 1)", &[&format!("{path}={value}")]);
            let _ = with_set("(version: 1)", &[&format!("network.gossip={value}")]);
            let _ = with_set("(version: 1)", &[&format!("chain.slot={value}")]);
        }
    }
}

#[test]
fn brackets_by_the_thousand_are_refused_without_exhausting_the_stack() {
    for open in ["(", "[", "{\"a\":", "Some(", "a("] {
        let text = open.repeat(100_000);
        assert!(parse(&text).is_err());
    }
}
