//! Which signatures a plan needs, from the rules of its estate: only for scopes that change.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{KindName, RoleName, ScopeId};
use crate::model::authority::{ApprovalNeed, ApprovalRule, When};
use crate::model::people::{SITE_OPS_LEAD, SITE_STEWARD};
use crate::model::plan::{Operation, Plan, Reconcile};

/// What the tables of kinds know and a plan does not say.
pub struct Nature<'n> {
    /// The steps that cannot be undone, by scope.
    pub one_way: &'n BTreeMap<ScopeId, BTreeSet<String>>,
    /// Whether objects of a kind say who may see or do what.
    pub is_access: &'n dyn Fn(&KindName) -> bool,
}

/// What a plan needs by these rules, in their order. A rule whose roles nobody can be asked for at a scope (a site's
/// steward for the account) asks for nothing there.
pub fn needs(rules: &[ApprovalRule], plan: &Plan, nature: &Nature<'_>) -> Vec<ApprovalNeed> {
    let mut needs = Vec::new();
    for rule in rules {
        let of_sites = rule.quorum.roles.iter().all(is_of_site);
        let concerned = plan.scopes.keys().filter(|scope| applies(rule.when, plan, scope, nature));
        let scopes: BTreeSet<ScopeId> =
            concerned.filter(|scope| scope.site().is_some() || !of_sites).cloned().collect();
        if scopes.is_empty() {
            continue;
        }
        let named = |scope: &ScopeId| Some((scope.clone(), nature.one_way.get(scope)?.clone()));
        needs.push(ApprovalNeed {
            rule: rule.id.clone(),
            roles: rule.quorum.roles.clone(),
            review: rule.quorum.review,
            valid_days: rule.valid_days,
            one_way: match rule.when {
                When::OneWay => scopes.iter().filter_map(named).collect(),
                When::Changes | When::Destroys | When::Shared | When::Access => BTreeMap::new(),
            },
            scopes,
        });
    }
    needs
}

/// Whether a role is one of each site.
pub fn is_of_site(role: &RoleName) -> bool {
    [SITE_STEWARD, SITE_OPS_LEAD].contains(&role.as_str())
}

/// The rules where an estate declares none: four eyes and a review for every change, the sponsor and compliance for what
/// cannot be undone, platform and compliance for what is taken away, platform for what all share, and each site's steward
/// for who may see its data.
///
/// # Panics
///
/// Never: the roles are spelled as such.
pub fn standard(valid_days: u32) -> Vec<ApprovalRule> {
    let rows: [(&str, When, &[&str], bool); 5] = [
        ("change", When::Changes, &["change-control"], true),
        ("one-way", When::OneWay, &["compliance", "executive-sponsor"], false),
        ("destroys", When::Destroys, &["compliance", "platform"], false),
        ("shared", When::Shared, &["platform"], false),
        ("access", When::Access, &[SITE_STEWARD], false),
    ];
    let role = |name: &&str| RoleName::new(*name).expect("the name of a role");
    let rule = |(id, when, roles, review): (&str, When, &[&str], bool)| ApprovalRule {
        id: id.to_owned(),
        when,
        quorum: crate::model::authority::Quorum { roles: roles.iter().map(role).collect(), review },
        valid_days,
    };
    rows.into_iter().map(rule).collect()
}

fn applies(when: When, plan: &Plan, scope: &ScopeId, nature: &Nature<'_>) -> bool {
    let any = |test: &dyn Fn(&Reconcile) -> bool| {
        plan.reconciles().any(|(of, _, step)| of == scope && step.operation != Operation::None && test(step))
    };
    match when {
        When::Changes => any(&|_| true),
        When::OneWay => nature.one_way.get(scope).is_some_and(|steps| !steps.is_empty()),
        When::Destroys => any(&|step| matches!(step.operation, Operation::Delete | Operation::Replace)),
        When::Shared => scope.site().is_none() && any(&|_| true),
        When::Access => any(&|step| (nature.is_access)(&step.kind)),
    }
}
