//! What became of promo codes in a month, shown.

use std::borrow::Cow;

use ledger_api::UsageReport;

use super::{Report, pairs, table};
use crate::time::utc;

/// What stands in the first line of the comma-separated values.
const COLUMNS: [&str; 11] = [
    "month",
    "until",
    "cloud",
    "member_id",
    "spec",
    "spec_id",
    "redeemed_by_cloud",
    "redeemed",
    "issued",
    "cancelled",
    "expired",
];

/// A table, and what it is about.
#[must_use]
pub fn usage(report: &UsageReport) -> Report {
    let mut about = vec![("Month", report.month.to_string())];
    if !report.is_over {
        about.push(("Until", utc(report.until)));
    }
    let mut header = vec!["SPEC", "ISSUED", "REDEEMED", "GIVEN BACK", "EXPIRED"];
    if let Some(cloud) = &report.cloud {
        about.push(("Cloud", format!("{} (member {})", cloud.name, cloud.member_id)));
        header.push("REDEEMED THERE");
    }
    let rows = report.specs.iter().map(|spec| {
        let counts = [spec.issued, spec.redeemed, spec.cancelled, spec.expired];
        let counts = counts.into_iter().chain(spec.redeemed_by_cloud);
        std::iter::once(spec.name.clone())
            .chain(counts.map(|count| count.to_string()))
            .collect::<Vec<_>>()
    });
    let rows: Vec<_> = rows.collect();
    let text = if rows.is_empty() {
        format!("{}\nNothing happened to promo codes.\n", pairs(&about))
    } else {
        format!("{}\n{}", pairs(&about), table(&header, &rows))
    };
    Report::new(text, report)
}

/// Comma-separated values (RFC 4180, lines ended as Unix ends them), numbers in decimal and moments in seconds since the Unix epoch.
#[must_use]
pub fn csv(report: &UsageReport) -> Report {
    let cloud = report.cloud.as_ref();
    let mut text = COLUMNS.join(",") + "\n";
    for spec in &report.specs {
        let cells = [
            report.month.to_string(),
            report.until.to_string(),
            cloud.map(|cloud| cloud.name.clone()).unwrap_or_default(),
            cloud.map(|cloud| cloud.member_id.to_string()).unwrap_or_default(),
            spec.name.clone(),
            spec.spec_id.to_string(),
            spec.redeemed_by_cloud
                .map(|count| count.to_string())
                .unwrap_or_default(),
            spec.redeemed.to_string(),
            spec.issued.to_string(),
            spec.cancelled.to_string(),
            spec.expired.to_string(),
        ];
        text += &cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",");
        text.push('\n');
    }
    Report::new(text, report)
}

/// A cell, in quotes where it needs them. Names are others' words: what a spreadsheet would take for a formula is marked as text.
fn quoted(cell: &str) -> Cow<'_, str> {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let needs_quotes = cell.contains([',', '"', '\n', '\r']);
    match (is_formula, needs_quotes) {
        (false, false) => Cow::Borrowed(cell),
        (true, false) => Cow::Owned(format!("'{cell}")),
        (_, true) => {
            let mark = if is_formula { "'" } else { "" };
            Cow::Owned(format!("\"{mark}{}\"", cell.replace('"', "\"\"")))
        }
    }
}
