// Loaded into every process that the bench starts: when the bench is gone, however it went, so is the process.
process.once('disconnect', () => process.exit(1));
process.channel?.unref();
