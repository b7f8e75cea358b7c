//! The graph of a plan as text, DOT (Graphviz), SVG and JSON. The same plan gives the same bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::base::id::{ScopeId, StepId};
use crate::model::plan::{EdgeReason, Operation, Plan, PlannedStep, ScopePlan, Work};
use crate::plan::{critical_path, layers};
use crate::report::plan_view::symbol;

/// Why one step waits for another, in words.
pub fn reason(reason: &EdgeReason) -> String {
    match reason {
        EdgeReason::Reference(at) => format!("refers to it at {at}"),
        EdgeReason::Via => "is reached through it".to_owned(),
        EdgeReason::Declared => "the pack says so".to_owned(),
        EdgeReason::Reads => "reads it back".to_owned(),
        EdgeReason::Deletes => "is deleted after what rests on it".to_owned(),
    }
}

fn kind_of(step: &PlannedStep) -> &str {
    match &step.work {
        Work::Reconcile(reconcile) => reconcile.kind.as_str(),
        Work::Check { .. } => "check",
    }
}

fn operation_of(step: &PlannedStep) -> Option<Operation> {
    match &step.work {
        Work::Reconcile(reconcile) => Some(reconcile.operation),
        Work::Check { .. } => None,
    }
}

/// Scope by scope, layer by layer, each step with what it waits for and why.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    for (scope, steps) in &plan.scopes {
        let needs: Vec<String> = steps.needs.iter().map(ToString::to_string).collect();
        let after = if needs.is_empty() { String::new() } else { format!(" (after {})", needs.join(", ")) };
        let _ = writeln!(out, "{scope}{after}");
        for (depth, layer) in layers(steps).iter().enumerate() {
            for id in layer {
                text_step(&mut out, depth, id, &steps.steps[*id]);
            }
        }
        let path = critical_path(steps, |_| 1);
        let _ = writeln!(out, "  {} steps, longest chain {}", steps.steps.len(), path.len());
    }
    out
}

fn text_step(out: &mut String, depth: usize, id: &StepId, step: &PlannedStep) {
    let mark = operation_of(step).map_or("?", symbol);
    let _ = writeln!(out, "  {depth:>3} {mark:>3} {id}  {}", kind_of(step));
    for (before, why) in &step.after {
        let _ = writeln!(out, "            <- {before}: {}", reason(why));
    }
}

/// A document that Graphviz reads.
pub fn dot(plan: &Plan) -> String {
    let mut out =
        String::from("digraph landfall {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for (index, (scope, steps)) in plan.scopes.iter().enumerate() {
        let _ = writeln!(out, "  subgraph cluster_{index} {{\n    label={};", quoted(&scope.to_string()));
        for (id, step) in &steps.steps {
            let label = format!("{id}\n{}", kind_of(step));
            let _ = writeln!(out, "    {} [label={}];", node(scope, id), quoted(&label));
        }
        out.push_str("  }\n");
    }
    for (scope, steps) in &plan.scopes {
        for (id, step) in &steps.steps {
            for (before, why) in &step.after {
                let tip = quoted(&reason(why));
                let _ = writeln!(out, "  {} -> {} [tooltip={tip}];", node(scope, before), node(scope, id));
            }
        }
    }
    out.push_str("}\n");
    out
}

fn node(scope: &ScopeId, id: &StepId) -> String {
    quoted(&format!("{scope}:{id}"))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Scopes, steps and edges as a JSON value.
pub fn json(plan: &Plan) -> Value {
    let scopes: BTreeMap<String, Value> =
        plan.scopes.iter().map(|(scope, steps)| (scope.to_string(), scope_json(steps))).collect();
    json!({ "v": 1, "scopes": scopes })
}

fn scope_json(steps: &ScopePlan) -> Value {
    let nodes: Vec<Value> = steps
        .steps
        .iter()
        .map(|(id, step)| json!({ "id": id, "kind": kind_of(step), "operation": operation_of(step) }))
        .collect();
    let edges: Vec<Value> = steps
        .steps
        .iter()
        .flat_map(|(id, step)| {
            step.after
                .iter()
                .map(move |(before, why)| json!({ "from": before, "to": id, "reason": reason(why) }))
        })
        .collect();
    json!({ "needs": steps.needs, "steps": nodes, "edges": edges })
}

const BOX_WIDTH: usize = 290;
const BOX_HEIGHT: usize = 30;
const GAP_X: usize = 60;
const GAP_Y: usize = 10;
const MARGIN: usize = 20;
const TITLE: usize = 34;

/// A drawing: one column per layer, scopes below each other.
pub fn svg(plan: &Plan) -> String {
    let mut body = String::new();
    let (mut top, mut width) = (MARGIN, 0);
    for (scope, steps) in &plan.scopes {
        let layers = layers(steps);
        let rows = layers.iter().map(Vec::len).max().unwrap_or(0);
        let _ = writeln!(
            body,
            "<text class=\"scope\" x=\"{MARGIN}\" y=\"{}\">{}</text>",
            top + 18,
            escaped(&scope.to_string())
        );
        svg_scope(&mut body, steps, &layers, top + TITLE);
        width = width.max(layers.len() * (BOX_WIDTH + GAP_X));
        top += TITLE + rows * (BOX_HEIGHT + GAP_Y) + MARGIN;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{top}\" viewBox=\"0 0 {w} {top}\" role=\"img\" aria-label=\"Graph of the plan\">\n\
         <style>rect{{fill:#fff;stroke:#445}}path{{fill:none;stroke:#99a}}text{{font:12px sans-serif;fill:#112}}.scope{{font-weight:bold;font-size:15px}}</style>\n{body}</svg>\n",
        w = width + 2 * MARGIN
    )
}

fn svg_scope(body: &mut String, steps: &ScopePlan, layers: &[Vec<&StepId>], top: usize) {
    let mut places: BTreeMap<&StepId, (usize, usize)> = BTreeMap::new();
    for (column, layer) in layers.iter().enumerate() {
        for (row, id) in layer.iter().enumerate() {
            places.insert(id, (MARGIN + column * (BOX_WIDTH + GAP_X), top + row * (BOX_HEIGHT + GAP_Y)));
        }
    }
    for (id, (x, y)) in &places {
        for before in steps.steps[*id].after.keys().filter_map(|b| places.get(b)) {
            let (x1, y1) = (before.0 + BOX_WIDTH, before.1 + BOX_HEIGHT / 2);
            let (y2, bend) = (y + BOX_HEIGHT / 2, GAP_X / 2);
            let _ = writeln!(
                body,
                "<path d=\"M{x1} {y1} C{} {y1} {} {y2} {x} {y2}\"/>",
                x1 + bend,
                x.saturating_sub(bend)
            );
        }
    }
    for (id, (x, y)) in &places {
        let step = &steps.steps[*id];
        let _ = writeln!(
            body,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"4\"><title>{}</title></rect>\
             <text x=\"{}\" y=\"{}\">{}</text>",
            escaped(kind_of(step)),
            x + 8,
            y + 19,
            escaped(&shortened(id.as_str()))
        );
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= 42 { text.to_owned() } else { format!("{}…", &text[..41]) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
