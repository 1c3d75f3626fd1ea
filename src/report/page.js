(() => {
  const find = document.getElementById('find');
  const kind = document.getElementById('kind');
  const count = document.getElementById('count');
  const rows = [...document.querySelectorAll('#cases tbody tr')];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const show = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, at) => {
      const hit = words.every((word) => texts[at].includes(word)) && (!kind.value || row.dataset.kind === kind.value);
      row.hidden = !hit;
      shown += hit ? 1 : 0;
    });
    count.textContent = `${shown} of ${rows.length} cases`;
  };
  find.addEventListener('input', show);
  kind.addEventListener('input', show);
  document.getElementById('search').hidden = false;
  show();
})();
