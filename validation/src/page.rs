//! The page: one self-contained HTML file, and the same as JSON. No host facts, no wall time: the same version
//! writes the same bytes.

use crate::check::{Outcome, Row, Verdict};
use crate::console::{expected, number};
use serde_json::{Value, json};
use std::fmt::Write;

const STYLE: &str = "
:root{--ink:#1f2933;--faint:#5b6875;--grid:#e4e8ec;--bad:#b3261e;--good:#1b6e3c;--note:#8a5a00}
body{margin:0 auto;max-width:70rem;padding:2rem 1.2rem;background:#fff;color:var(--ink);font:16px/1.5 Inter,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif}
h1{margin:0 0 .3rem;font-size:1.7rem}h2{margin:2.6rem 0 .4rem;font-size:1.2rem}
table{border-collapse:collapse;width:100%;font-size:.88rem;margin:.8rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--grid);vertical-align:top}
th{color:var(--faint);font-weight:600}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
dl{display:grid;grid-template-columns:7rem 1fr;gap:.2rem .8rem;margin:.5rem 0;font-size:.92rem}
dt{color:var(--faint)}dd{margin:0}.holds{color:var(--good)}.bad{color:var(--bad);font-weight:700}.understood{color:var(--note);font-weight:700}
.lead{color:var(--faint);max-width:50rem}svg{max-width:100%;height:auto}a{color:inherit}.wide{overflow-x:auto}
tr.miss td{background:#fdecea}p.note{font-size:.88rem;color:var(--faint)}
";

/// The page.
pub fn html(outcomes: &[Outcome], version: &str) -> String {
    let mut page = String::new();
    let bad = outcomes.iter().filter(|o| o.verdict().is_bad()).count();
    let count = |wanted: Verdict| outcomes.iter().filter(|o| o.verdict() == wanted).count();
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>Lightcone: validation, first rung</title>\
         <style>{STYLE}</style></head><body><h1>Measured against theory</h1>\
         <p class=\"lead\">Lightcone {}. First rung of validation: closed forms. Each check puts one question to the \
         real simulator and states, before measuring, how far off the answer may be and why. Passing says that the \
         simulator does what theory says its model should do; whether the model is like the world is for the \
         other rungs. Misses are shown and explained, never hidden.</p>\
         <p><strong>{} checks: {} hold, {} understood misses, {} skipped, {bad} bad.</strong> Made by \
         <code>cargo run --release -p validation</code>.</p>",
        escape(version),
        outcomes.len(),
        count(Verdict::Holds),
        count(Verdict::UnderstoodMiss),
        count(Verdict::Skipped),
    );
    page.push_str(
        "<table><tr><th>Check</th><th>Part</th><th>Question</th><th>Numbers</th><th>Verdict</th></tr>",
    );
    for outcome in outcomes {
        let check = &outcome.check;
        let numbers = outcome.finding.as_ref().map_or(0, |f| f.rows.len());
        let _ = write!(
            page,
            "<tr><td><a href=\"#{0}\">{0}</a></td><td>{1}</td><td>{2}</td><td class=\"n\">{numbers}</td><td>{3}</td></tr>",
            check.name,
            escape(check.family),
            escape(check.question),
            verdict(outcome.verdict()),
        );
    }
    page.push_str("</table>");
    outcomes.iter().for_each(|outcome| section(&mut page, outcome));
    page.push_str("</body></html>\n");
    page
}

fn section(page: &mut String, outcome: &Outcome) {
    let check = &outcome.check;
    let _ = write!(page, "<h2 id=\"{0}\">{0}: {1}</h2><dl>", check.name, verdict(outcome.verdict()));
    for (term, text) in [
        ("Question", check.question),
        ("Expected", check.expected),
        ("Source", check.source),
        ("Tolerance", check.tolerance),
    ] {
        let _ = write!(page, "<dt>{term}</dt><dd>{}</dd>", escape(text));
    }
    if let Some(why) = check.understood_miss {
        let _ = write!(page, "<dt>Why it misses</dt><dd>{}</dd>", escape(why));
    }
    page.push_str("</dl>");
    let finding = match &outcome.finding {
        Ok(finding) => finding,
        Err(error) => {
            let _ = write!(page, "<p class=\"bad\">{}</p>", escape(error));
            return;
        }
    };
    page.push_str(
        "<div class=\"wide\"><table><tr><th>Case</th><th>Measured</th><th>Expected</th><th>Unit</th><th>Sample</th><th></th></tr>",
    );
    finding.rows.iter().for_each(|row| line(page, row));
    page.push_str("</table></div>");
    for note in &finding.notes {
        let _ = write!(page, "<p class=\"note\">{}</p>", escape(note));
    }
    // Drawn by our own plotter, which escapes its texts.
    page.push_str(finding.plot.as_deref().unwrap_or_default());
}

fn line(page: &mut String, row: &Row) {
    let (class, mark) = if row.holds() {
        ("", "<span class=\"holds\">ok</span>")
    } else {
        (" class=\"miss\"", "<span class=\"bad\">miss</span>")
    };
    let _ = write!(
        page,
        "<tr{class}><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td><td>{mark}</td></tr>",
        escape(&row.case),
        number(row.measured),
        escape(&expected(&row.expected)),
        escape(row.unit),
        escape(&row.sample),
    );
}

fn verdict(verdict: Verdict) -> String {
    let class = match verdict {
        Verdict::Holds => "holds",
        Verdict::UnderstoodMiss | Verdict::Skipped => "understood",
        _ => "bad",
    };
    format!("<span class=\"{class}\">{}</span>", verdict.words())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The same as data.
pub fn json(outcomes: &[Outcome], version: &str) -> String {
    let checks: Vec<Value> = outcomes
        .iter()
        .map(|outcome| {
            let check = &outcome.check;
            let (rows, notes, error) = match &outcome.finding {
                Ok(finding) => (&finding.rows[..], &finding.notes[..], None),
                Err(error) => (&[][..], &[][..], Some(error)),
            };
            let rows: Vec<Value> =
                rows.iter().map(|row| json!({ "row": row, "holds": row.holds() })).collect();
            json!({
                "name": check.name, "family": check.family, "question": check.question,
                "expected": check.expected, "source": check.source, "tolerance": check.tolerance,
                "understood_miss": check.understood_miss, "verdict": outcome.verdict(),
                "rows": rows, "notes": notes, "error": error,
            })
        })
        .collect();
    let mut text = format!("{:#}", json!({ "version": version, "rung": 1, "checks": checks }));
    text.push('\n');
    text
}
