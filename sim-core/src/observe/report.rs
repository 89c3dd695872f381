//! r
use super::analysis::Analysis;
use super::figures::Figure;
use super::folder::ReportMeta;
use super::record::RunRecord;
/// h
pub fn html(_records: &[RunRecord], analysis: &Analysis, _meta: &ReportMeta, _figures: &[Figure]) -> String {
    analysis.answer.to_string()
}
