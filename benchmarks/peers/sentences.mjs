// The mail of every peer: the same sentences as benchmarks/project.py, five values of the client.
const firm = "示例证券", risk = "市场有风险，投资需谨慎。";
export const subject = `${firm} 2026年9月28日`;
function lines(n) {
  const account = String(n % 10000).padStart(4, "0");
  const one = `您在上海世纪大道营业部的账户（尾号${account}）开立于2015年6月${n % 28 + 1}日。` +
    "请留意市场波动，理性投资。";
  return [`尊敬的客户${n}：`, "", one, one, one, "", `${firm} 95000`, risk,
    `https://www.example.com/unsubscribe/${n}`];
}
export const text = (n) => lines(n).join("\n") + "\n";
export const html = (n) => '<!doctype html>\n<html lang="zh-CN"><head><title>x</title></head><body>\n' +
  lines(n).filter(Boolean).map((line) => `<p>${line}</p>\n`).join("") + "\n</body></html>\n";
