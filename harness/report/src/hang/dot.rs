//! Findings for Graphviz.

use std::fmt::Write;

use fencelab_fences::finding::{Finding, NodeKind};

/// One digraph with a cluster for each finding; the witness is drawn bold.
pub fn dot(findings: &[Finding]) -> String {
    let mut out = String::from(
        "digraph hang {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\", fontsize=11];\n",
    );
    out += "  edge [fontname=\"sans-serif\", fontsize=10];\n";
    for (index, finding) in findings.iter().enumerate() {
        let _ = writeln!(out, "  subgraph cluster_{index} {{\n    label={};", quoted(&finding.heading()));
        for (at, node) in finding.nodes.iter().enumerate() {
            let shape = match node.kind {
                NodeKind::Thread | NodeKind::Process => "box",
                NodeKind::Fence | NodeKind::Point => "ellipse",
                NodeKind::Job => "component",
                NodeKind::Leaf => "note",
            };
            let width = if node.witness { 2 } else { 1 };
            let label = quoted(&format!("{}\n{}", node.label, node.detail));
            let _ = writeln!(out, "    n{index}_{at} [label={label}, shape={shape}, penwidth={width}];");
        }
        for edge in &finding.edges {
            let (label, width) = (quoted(&edge.why), if edge.witness { 2 } else { 1 });
            let (from, to) = (edge.from, edge.to);
            let _ = writeln!(out, "    n{index}_{from} -> n{index}_{to} [label={label}, penwidth={width}];");
        }
        out += "  }\n";
    }
    out + "}\n"
}

/// A quoted string of DOT (graphviz.org/doc/info/lang.html).
fn quoted(text: &str) -> String {
    let escaped = text.trim_end().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    #[test]
    fn quotes_do_not_end_a_string() {
        assert_eq!(super::quoted("a \"b\" \\ c\nd\n"), r#""a \"b\" \\ c\nd""#);
    }
}
