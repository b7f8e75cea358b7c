//! Floor 2: the fleet engine.
