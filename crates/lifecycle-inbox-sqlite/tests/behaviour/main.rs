//! What the engine promises beyond the contract, on files on disk: faults, files of every kind, crashes.

mod checkpoints;
mod content;
mod contract;
mod crash;
mod damage;
mod deadline;
mod effects;
mod faults;
mod lost;
mod model;
mod opening;
mod rolling;
mod steps;
mod support;
mod writing;
