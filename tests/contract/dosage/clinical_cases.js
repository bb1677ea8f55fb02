'use strict';
module.exports = { caseChecks: () => [] };
