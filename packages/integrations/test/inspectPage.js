// Evaluated in the page of a report: what a person would trip over.
;(() => {
  const numbers = (color) => (color.match(/[\d.]+/g) ?? []).map(Number)
  const luminance = (color) => {
    const [r = 0, g = 0, b = 0] = numbers(color).map((value) => {
      const part = value / 255
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const paper = luminance(getComputedStyle(document.body).backgroundColor)
  const texts = Array.from(document.querySelectorAll("main *, footer")).filter((element) =>
    Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.textContent?.trim())
  )
  const shown = texts.filter((element) => !["title", "style"].includes(element.localName))
  const contrasts = shown.map((element) => {
    const style = getComputedStyle(element)
    const ink = luminance(element.localName === "text" ? style.fill : style.color)
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)
  })
  const boxes = shown.map((element) => ({ text: element.textContent, box: element.getBoundingClientRect(), element }))
  const crosses = Array.from(document.querySelectorAll(".kill path + path"))
  const labels = [
    ...boxes.filter(({ element }) => element.localName === "text"),
    ...crosses.map((element) => ({ text: "a cross", box: element.getBoundingClientRect(), element }))
  ]
  const overlaps = labels.flatMap((one, index) =>
    labels
      .slice(index + 1)
      .filter(
        ({ box }) =>
          box.left < one.box.right && one.box.left < box.right && box.top < one.box.bottom && one.box.top < box.bottom
      )
      .map((other) => `${one.text} and ${other.text}`)
  )
  const { scrollWidth } = document.documentElement
  const overflow = boxes
    .filter(({ box, element }) => {
      const svg = element.closest("svg")?.getBoundingClientRect()
      const scrolls = element.closest(".wide") && getComputedStyle(element.closest(".wide")).overflowX === "auto"
      if (scrolls && !svg) return false
      return svg ? box.right > svg.right + 1 || box.left < svg.left - 1 : box.right > innerWidth + 1
    })
    .map(({ text }) => text)
  return {
    contrast: Math.min(...contrasts),
    isDark: paper < 0.2,
    overlaps,
    overflow: scrollWidth > innerWidth ? [...overflow, `${scrollWidth} wide`] : overflow
  }
})()
