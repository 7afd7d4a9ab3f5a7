// SPDX-License-Identifier: MIT
#pragma once

namespace report {

// How the page looks, and how its table sorts and its names are found.
inline const char* const style = R"(
:root{color-scheme:light}*{box-sizing:border-box}body{margin:0;background:#fbfbfd;color:#1d1d29;font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
header{background:linear-gradient(120deg,#1b1035,#3b1d6e 60%,#7a2f4d);color:#fff;padding:44px max(24px,calc(50vw - 620px)) 36px}
h1{font-size:40px;line-height:1.1;margin:0 0 10px;letter-spacing:-.02em}header p{max-width:860px;margin:8px 0;color:#ddd6f0}header code{font-size:19px;color:#fff;background:#ffffff1c;padding:6px 12px;border-radius:8px;display:inline-block;margin:8px 0}
main{padding:0 max(24px,calc(50vw - 620px)) 80px}h2{font-size:26px;margin:44px 0 6px;letter-spacing:-.01em}h2+p{margin:0 0 16px;color:#5c5c70;max-width:900px}
nav{position:sticky;top:0;z-index:5;background:#fbfbfdee;backdrop-filter:blur(6px);padding:12px max(24px,calc(50vw - 620px));border-bottom:1px solid #e6e6ee;display:flex;gap:8px;flex-wrap:wrap;align-items:center}
nav button{border:1px solid #d5d5e0;background:#fff;border-radius:99px;padding:4px 12px;font:13px system-ui;cursor:pointer;display:flex;gap:6px;align-items:center}nav button.off{opacity:.35}nav i,h3 i{width:10px;height:10px;border-radius:99px;display:inline-block}
nav input{margin-left:auto;border:1px solid #d5d5e0;border-radius:8px;padding:5px 10px;font:13px system-ui;width:180px}
.wall{display:grid;grid-template-columns:repeat(auto-fill,minmax(112px,1fr));gap:12px 10px}.wall a{text-decoration:none;color:inherit;font-size:11.5px;line-height:1.25;text-align:center;overflow-wrap:anywhere}.wall svg{width:100%;aspect-ratio:1;display:block;border-radius:6px;border-bottom:3px solid;margin-bottom:3px;transition:transform .12s}.wall a:hover svg{transform:scale(1.12)}
.legend{display:flex;gap:10px;align-items:center;font-size:13px;color:#5c5c70;margin:10px 0 18px}.legend b{width:220px;height:12px;border-radius:4px;background:linear-gradient(90deg,rgb(127,59,8),rgb(224,130,20),rgb(253,200,130),rgb(252,252,252),rgb(170,178,222),rgb(84,74,168),rgb(38,10,90));border:1px solid #ddd}
.scroll{overflow-x:auto;border:1px solid #e6e6ee;border-radius:10px;background:#fff;max-height:720px}table{border-collapse:collapse;font-size:12px;white-space:nowrap;width:100%}th{position:sticky;top:0;background:#f3f3f8;cursor:pointer;padding:8px 6px;text-align:right;font-weight:600}th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:#fff}th:first-child{background:#f3f3f8;z-index:2}td{padding:4px 6px;text-align:right;border-top:1px solid #f0f0f5;font-variant-numeric:tabular-nums}td a{color:inherit;text-decoration:none;font-weight:600}td i{width:8px;height:8px;border-radius:9px;display:inline-block;margin-right:6px}
.cards{display:grid;grid-template-columns:1fr;gap:18px}article{background:#fff;border:1px solid #e6e6ee;border-radius:12px;padding:16px 20px;scroll-margin-top:60px}article:target{border-color:#6741d9;box-shadow:0 0 0 3px #6741d922}article svg{width:100%;height:auto}h3{margin:0 0 4px;font-size:20px;display:flex;gap:8px;align-items:center}h3 small{font-weight:400;font-size:13px;color:#9a9aae}
.row{margin:2px 0;font:13px/1.7 ui-monospace,SFMono-Regular,Menlo,monospace;color:#3c3c50}.row span{margin-right:18px}.row b{color:#6741d9;font-weight:700}.badges{margin:6px 0 10px;display:flex;gap:6px;flex-wrap:wrap}.badges span{background:#f1eefb;color:#4a2fb0;border-radius:99px;padding:1px 10px;font-size:12px}
details summary{cursor:pointer;color:#6741d9;font-size:13px}pre{font-size:12px;white-space:pre-wrap;background:#f7f7fb;padding:10px;border-radius:8px}.scatter{width:100%;background:#fff;border:1px solid #e6e6ee;border-radius:10px}
.principles{display:grid;grid-template-columns:repeat(auto-fit,minmax(270px,1fr));gap:12px}.principles div{background:#fff;border:1px solid #e6e6ee;border-radius:10px;padding:12px 14px;font-size:13.5px}.principles b{display:block;font-size:15px;margin-bottom:2px}
.hidden{display:none!important}@media print{nav{display:none}}
)";
inline const char* const script = R"(
const off=new Set(),q=document.querySelector('nav input');
const show=()=>document.querySelectorAll('[data-family]').forEach(e=>e.classList.toggle('hidden',off.has(e.dataset.family)||!e.dataset.name.toLowerCase().includes(q.value.toLowerCase())));
document.querySelectorAll('nav button').forEach(b=>b.onclick=()=>{const f=b.dataset.of;off.has(f)?off.delete(f):off.add(f);b.classList.toggle('off');show()});q.oninput=show;
const body=document.querySelector('tbody');let last=-1,up=true;
document.querySelectorAll('th').forEach((h,n)=>{h.onclick=()=>{up=last===n?!up:true;last=n;const key=r=>n?parseFloat(r.cells[n].dataset.v):r.dataset.name;
[...body.rows].sort((a,b)=>{const x=key(a),y=key(b);return (x<y?-1:x>y?1:0)*(up?1:-1)}).forEach(r=>body.append(r))};
if(n){const cells=[...body.rows].map(r=>r.cells[n]),v=[...new Set(cells.map(c=>parseFloat(c.dataset.v)))].sort((a,b)=>a-b);cells.forEach(c=>{const k=v.length>1?v.indexOf(parseFloat(c.dataset.v))/(v.length-1):0;c.style.background=`rgba(103,65,217,${(.34*k).toFixed(3)})`})}});
)";

}  // namespace report
