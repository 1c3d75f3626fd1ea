//! Builds every part from the configuration and wires the channels.
