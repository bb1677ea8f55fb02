// table.mjs - a calibration file as the service reads it (services/identity/calibration.c), and a search's threshold.
import { readFileSync } from 'node:fs';

export const load = (file) => JSON.parse(readFileSync(file, 'utf8'));

// Straight lines in log10 of the rate; the last one goes on.
function onLine(points, fmr) {
  if (fmr >= points[0].fmr) return points[0].threshold;
  let i = points.findIndex((p) => p.fmr <= fmr);
  if (i < 0) i = points.length - 1;
  i = Math.max(1, i);
  const [a, b] = [points[i - 1], points[i]];
  return Math.min(1, a.threshold + (b.threshold - a.threshold) * (Math.log10(fmr / a.fmr) / Math.log10(b.fmr / a.fmr)));
}

export const verifyThreshold = (cal, fmr) => onLine(cal.points, fmr);
export const mixedThreshold = (cal, fmr) => onLine(cal.mixed || cal.points, fmr);

// As gallery/identify.c: the rate of one comparison among N, never above the policy's, and a threshold never below Verify's.
export const searchRate = (fpir, n, policy = 1e-4) => Math.min(policy, -Math.expm1(Math.log1p(-fpir) / n));
export const searchThreshold = (cal, fpir, n, policy = 1e-4) =>
  Math.max(mixedThreshold(cal, searchRate(fpir, n, policy)), verifyThreshold(cal, policy));
// What the worst group measured would need for the rate: "points" allow it ten times theirs.
export const worstThreshold = (cal, fpir, n) => verifyThreshold(cal, searchRate(fpir, n) / 10);
