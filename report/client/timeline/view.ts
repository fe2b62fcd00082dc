/** The part of the run that is shown, in milliseconds from its start. */
export interface View {
  from: number;
  to: number;
}

/** A narrower or wider view around `center`; never outside the run, never under a millisecond. */
export function zoomed(view: View, span: number, factor: number, center: number): View {
  const width = Math.min(span, Math.max(1, (view.to - view.from) * factor));
  const share = (center - view.from) / (view.to - view.from);
  return moved({ from: center - share * width, to: center + (1 - share) * width }, span, 0);
}

/** The view moved along, stopping at the ends of the run. */
export function moved(view: View, span: number, by: number): View {
  const width = Math.min(span, view.to - view.from);
  const from = Math.min(Math.max(0, view.from + by), span - width);
  return { from, to: from + width };
}

/** Round steps of time in milliseconds, so that about one tick stands every `pixels` pixels. */
export function tickStep(view: View, width: number, pixels: number): number {
  const least = ((view.to - view.from) * pixels) / width;
  return STEPS.find((step) => step >= least) ?? 7 * 86_400_000;
}

const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
  172_800_000,
];

/** A time since the start of the run, as exact as the step between ticks asks for: `+1:02:03`, `+2.5 s`. */
export function offset(milliseconds: number, step: number): string {
  const seconds = milliseconds / 1000;
  if (milliseconds < 60_000) {
    const digits = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3;
    return `${seconds.toFixed(digits)} s`;
  }
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const text = parts.map((part) => String(part).padStart(2, '0')).join(':');
  const fraction = step >= 1000 ? '' : `.${String(Math.floor(milliseconds % 1000)).padStart(3, '0')}`;
  return `${text.replace(/^00:/, '')}${fraction}`;
}

/** A duration for the hover text: `840 ms`, `4.13 s`, `2 min 03 s`, `1 h 02 min`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const two = (number: number) => String(Math.floor(number)).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two((seconds / 60) % 60)} min`;
}
