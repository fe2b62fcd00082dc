/** The box beside the pointer. Everything in it is set as text, never as markup. */
export class Tip {
  readonly element = document.createElement('div');

  constructor() {
    this.element.className = 'tip';
    this.element.hidden = true;
  }

  hide(): void {
    this.element.hidden = true;
  }

  /** Shows lines, the first one strong, near the pointer and inside `place`. */
  show(lines: readonly string[], event: PointerEvent, place: HTMLElement): void {
    this.element.hidden = false;
    this.element.replaceChildren(
      ...lines.map((line, at) => {
        const element = document.createElement(at === 0 ? 'strong' : 'span');
        element.textContent = line;
        return element;
      }),
    );
    const box = place.getBoundingClientRect();
    const x = event.clientX - box.left + 14;
    this.element.style.left = `${Math.max(0, Math.min(x, box.width - this.element.offsetWidth - 4))}px`;
    this.element.style.top = `${event.clientY - box.top + 16}px`;
  }
}
