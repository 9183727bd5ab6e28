"""What panels say, in English and Chinese.

The browser chooses: it shows the language of the page (JupyterLab's own), unless ``AIPLAT_LANG`` names one. Texts that
only Python shows (``text/plain``, pictures) follow ``AIPLAT_LANG``, then ``LANG``.
"""

import os
from typing import Final

EN: Final = {
    # chart
    "chart_keys": "Curves. Left and right arrow move the crosshair, with Shift they pan, + and - zoom in x, up and "
    "down arrow in y, 0 resets, Ctrl Z undoes a zoom.",
    "wheel_hint": "Alt + wheel zooms",
    "log": "log",
    "step": "step",
    "relative": "time",
    "wall": "wall time",
    "epoch": "epoch",
    "badge": "{shown} of {total} points",
    "badge_nan": "{nan} NaN",
    "badge_infinite": "{infinite} ±∞",
    "badge_left_out": "{left_out} values ≤ 0 left out",
    "badge_left_out_least": "at least {left_out} values ≤ 0 left out",
    "badge_clipped": "{clipped} cut off",
    "clipped": "cut off: there are values beyond this edge",
    "more": "and {n} more",
    "legend_hint": "{name}: click hides or shows it, Alt-click or double click shows it alone",
    "legend_hint_crowded": "{name}: click hides or shows it, Alt-click shows it alone, Shift-click keeps its colour",
    "legend_more": "{n} more curves",
    "legend_less": "Fewer",
    "loading": "Loading…",
    "empty": "No points yet",
    "empty_hint": "The curve appears with the first logged value of {metric}.",
    "no_x": "No points with this x",
    "no_x_hint": "Log a metric named {metric} beside this one.",
    "nothing": "No experiment matches",
    "nothing_hint": "It appears here as soon as one does.",
    "nothing_selected": "Nothing selected",
    "nothing_selected_hint": "Select experiments in the list to see their curves.",
    "failed": "The curve cannot be shown",
    # controls
    "x": "x",
    "smooth": "smooth",
    "none": "none",
    "twema": "TWEMA",
    "ema": "EMA",
    "gaussian": "Gaussian",
    "mean": "mean",
    "x_log": "x log",
    "y_log": "y log",
    "band": "band",
    "cut_outliers": "cut outliers",
    "controls": "Options",
    "stop": "Stop",
    "stop_all": "Stop all {n}",
    "stop_hint": "Ask the training to stop: it sees exp.should_stop at its next step.",
    "stopping": "stopping…",
    # status line
    "live": "live",
    "ago": "{n} s ago",
    "ago_minutes": "{n} min ago",
    "stale": "stale since {at}, retrying",
    "ended": "{word} {at}",
    "all_ended": "all ended {at}",
    "waiting": "The cell is running and this kernel answers panels only between cells: it will apply then.",
    "cut": "the first {shown} of {total} experiments",
    "retry": "Retry",
    "pending": "pending",
    "running": "running",
    "finished": "finished",
    "interrupted": "interrupted",
    "stopped": "stopped",
    "lost": "lost",
    "status_failed": "failed",
    # list
    "search": "Search projects and experiments",
    "sort": "Sort",
    "sort_updated": "newest first",
    "sort_name": "name",
    "sort_created": "created",
    "sort_loss": "lowest loss",
    "no_projects": "No projects yet",
    "no_projects_hint": 'aiplat.init(project="…") in a notebook or script makes the first one.',
    "no_match": "Nothing matches “{q}”",
    "no_match_hint": "Words match names, tags and notes; conditions look like config.lr<1e-3 or metric.loss.min<0.5.",
    "no_experiments": "no experiments yet",
    "page": "{from} to {to} of {total}",
    "previous_page": "Previous page",
    "next_page": "Next page",
    "experiments": "{n} experiments",
    "list_failed": "The list cannot be shown",
    "bad_query": "This condition is not understood",
    "list_name": "Projects and experiments",
    "selected": "{n} selected",
}

ZH: Final = {
    "chart_keys": "曲线图。左右方向键移动十字线，按住 Shift 平移，+ 和 - 缩放横轴，上下方向键缩放纵轴，0 复位，"
    "Ctrl Z 撤销缩放。",
    "wheel_hint": "按住 Alt 滚动滚轮可缩放",
    "log": "对数",
    "step": "步数",
    "relative": "用时",
    "wall": "时间",
    "epoch": "轮次",
    "badge": "共 {total} 个点，显示 {shown} 个",
    "badge_nan": "{nan} 个 NaN",
    "badge_infinite": "{infinite} 个 ±∞",
    "badge_left_out": "略去 {left_out} 个 ≤ 0 的点",
    "badge_left_out_least": "略去至少 {left_out} 个 ≤ 0 的点",
    "badge_clipped": "{clipped} 处超出范围",
    "clipped": "此处有超出范围的值",
    "more": "另有 {n} 条",
    "legend_hint": "{name}：单击隐藏或显示，按住 Alt 单击或双击则只显示此条",
    "legend_hint_crowded": "{name}：单击隐藏或显示，按住 Alt 单击则只显示此条，按住 Shift 单击保持着色",
    "legend_more": "另有 {n} 条曲线",
    "legend_less": "收起",
    "loading": "正在加载…",
    "empty": "还没有数据点",
    "empty_hint": "记录第一个 {metric} 值后，曲线就会出现。",
    "no_x": "数据点没有对应的横坐标",
    "no_x_hint": "请在记录此指标时一并记录 {metric}。",
    "nothing": "没有符合条件的实验",
    "nothing_hint": "一有符合条件的实验，就会显示在这里。",
    "nothing_selected": "尚未选择",
    "nothing_selected_hint": "在列表中选择实验，即可在此查看曲线。",
    "failed": "曲线无法显示",
    "x": "横轴",
    "smooth": "平滑",
    "none": "无",
    "twema": "TWEMA",
    "ema": "EMA",
    "gaussian": "高斯",
    "mean": "滑动平均",
    "x_log": "x 对数",
    "y_log": "y 对数",
    "band": "色带",
    "cut_outliers": "略去离群值",
    "controls": "选项",
    "stop": "停止",
    "stop_all": "停止全部 {n} 个",
    "stop_hint": "请求训练停止：下一步时 exp.should_stop 会变为真。",
    "stopping": "正在停止…",
    "live": "实时",
    "ago": "{n} 秒前",
    "ago_minutes": "{n} 分钟前",
    "stale": "自 {at} 起数据未更新，正在重试",
    "ended": "{at} {word}",
    "all_ended": "{at} 全部结束",
    "waiting": "单元格正在运行，而此内核只在单元格之间响应面板：届时生效。",
    "cut": "共 {total} 个实验，显示前 {shown} 个",
    "retry": "重试",
    "pending": "等待中",
    "running": "运行中",
    "finished": "已完成",
    "interrupted": "已中断",
    "stopped": "已停止",
    "lost": "失联",
    "status_failed": "失败",
    "search": "搜索项目与实验",
    "sort": "排序",
    "sort_updated": "最近更新",
    "sort_name": "名称",
    "sort_created": "创建时间",
    "sort_loss": "损失最低",
    "no_projects": "还没有项目",
    "no_projects_hint": '在 notebook 或脚本中调用 aiplat.init(project="…") 即可创建第一个项目。',
    "no_match": "没有找到“{q}”",
    "no_match_hint": "可以搜索名称、标签和备注，也可以写条件，例如 config.lr<1e-3 或 metric.loss.min<0.5。",
    "no_experiments": "还没有实验",
    "page": "第 {from}–{to} 个，共 {total} 个",
    "previous_page": "上一页",
    "next_page": "下一页",
    "experiments": "{n} 个实验",
    "list_failed": "列表无法显示",
    "bad_query": "无法理解这个条件",
    "list_name": "项目和实验",
    "selected": "已选 {n} 个",
}

TABLES: Final = {"en": EN, "zh": ZH}


def chosen() -> str:
    """Return the language that ``AIPLAT_LANG`` asks for, or an empty string: the browser's."""
    asked = os.environ.get("AIPLAT_LANG", "").lower()
    return "zh" if asked.startswith("zh") else "en" if asked else ""


def for_browser() -> dict[str, object]:
    """Return what the browser needs to choose: both tables and the forced language."""
    return {"language": chosen(), **TABLES}


def say(key: str, **values: object) -> str:
    """Return the text for Python's own use."""
    language = chosen() or ("zh" if os.environ.get("LANG", "").lower().startswith("zh") else "en")
    return TABLES[language][key].format(**values)
