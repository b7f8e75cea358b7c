//! A whole fleet in virtual time: the production engines, the production order of calls and the published rates, with
//! workspaces that take 150 to 300 seconds, against the least time that the same limits allow. The benchmark suite plays
//! it with a thousand sites; the tests beside it with sixty and two hundred.

#[path = "fleet/bound.rs"]
pub mod bound;
#[path = "fleet/estate.rs"]
pub mod estate;
#[path = "fleet/play.rs"]
pub mod play;
#[path = "fleet/service.rs"]
pub mod service;
